"""Choices 可选项: the hospitals, departments and months that an identity may choose among on the pages of analysis."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel

from tongpin.payment.month.closed import every_run
from tongpin.records.intake.load import INSTITUTIONS, read_loaded
from tongpin.records.layouts.catalogue import layouts

if TYPE_CHECKING:
    from tongpin.store.home import Home
    from tongpin.workbench.sign_in.identity import Identity


class HospitalChoice(BaseModel):
    """A hospital that may be chosen."""

    code: str
    name: str
    level: str


class DepartmentChoice(BaseModel):
    """A department that may be chosen, of a hospital."""

    hospital: str
    code: str
    name: str


class PlaceChoices(BaseModel):
    """What may be chosen: `is_own` where the role sees one hospital only; the closed months."""

    is_own: bool
    hospitals: list[HospitalChoice]
    departments: list[DepartmentChoice]
    months: list[str]


def place_choices(home: Home, asker: Identity) -> PlaceChoices:
    """The hospitals and departments of the asker's scope, as they are registered last; the register is open to all."""
    desk, scope = asker.desk(home), asker.grant.scope
    register = {
        row["institution_code"]: row for row in read_loaded(desk, INSTITUTIONS).sort_by("valid_from").to_pylist()
    }
    departments: dict[tuple[str, str], str] = {}
    for row in read_loaded(desk, layouts()["department"].table).sort_by("valid_from").to_pylist():
        code = row["national_dept"] or row["dept_code"]
        if scope.departments is None or code in scope.departments:
            departments[row["institution_code"], code] = row["dept_name"]
    runs = [run for run in every_run(home).values() if asker.grant.area in {None, run["area"]}]
    return PlaceChoices(
        is_own=scope.hospitals is not None,
        hospitals=[
            HospitalChoice(code=code, name=row["institution_name"], level=row["settlement_level"] or "")
            for code, row in sorted(register.items())
            if scope.hospitals is None or code in scope.hospitals
        ],
        departments=[
            DepartmentChoice(hospital=hospital, code=code, name=name)
            for (hospital, code), name in sorted(departments.items())
            if scope.hospitals is None or hospital in scope.hospitals
        ],
        months=sorted({run["month"] for run in runs}),
    )
