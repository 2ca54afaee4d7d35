"""Places 机构与科室的名称: codes as the registers name them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from tongpin.payment.lists.board import names_of
from tongpin.records.intake.lake_tables import read_loaded
from tongpin.records.layouts.catalogue import layouts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tongpin.store.home import Home


def institution_names(home: Home) -> dict[str, str]:
    """The latest name of every registered institution."""
    return names_of(home)


def department_names(home: Home, institution_code: str | None) -> dict[str, str]:
    """The names of an institution's departments by their codes, the latest of each."""
    register = read_loaded(
        home,
        layouts()["department"].table,
        ["dept_code", "dept_name", "valid_from"],
        where=("institution_code", pa.array([institution_code or ""])),
    )
    rows = sorted(register.to_pylist(), key=lambda row: str(row["valid_from"]))
    return {row["dept_code"]: row["dept_name"] for row in rows if row["dept_name"]}


def department_labels(home: Home, places: Iterable[tuple[str | None, str | None]]) -> list[str]:
    """The name of each department, by institution and code; its code where the register does not name it."""
    known: dict[str | None, dict[str, str]] = {}
    labels = []
    for institution, dept in places:
        if institution not in known:
            known[institution] = department_names(home, institution)
        labels.append(known[institution].get(dept or "", dept or ""))
    return labels
