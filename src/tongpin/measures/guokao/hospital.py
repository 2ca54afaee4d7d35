"""The hospital 医院: who is assessed, by which manual, under which codes (S909-03)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow.compute as pc

from tongpin.base.errors import TongpinError
from tongpin.measures.guokao.catalogue import Manual, load_manuals
from tongpin.records.intake.load import INSTITUTIONS, read_loaded

if TYPE_CHECKING:
    from tongpin.store.home import Home

UNREGISTERED = "机构登记没有写国考手册"


class Hospital(NamedTuple):
    """A hospital with the codes of its campuses, its manual, and the row of the register."""

    code: str
    name: str
    codes: tuple[str, ...]
    manual: Manual
    register: dict[str, Any]

    @property
    def set_name(self) -> str:
        """The set of indicators, empty where the manual has none."""
        return self.manual.indicators

    @property
    def reason(self) -> str:
        """Why there is no set of indicators."""
        return self.manual.reason


def hospitals(home: Home, year: int) -> list[Hospital]:
    """Every registered hospital as the register stood at the end of a year; a campus belongs to its hospital."""
    rows = read_loaded(home, INSTITUTIONS)
    valid = rows.filter(pc.less_equal(pc.year(rows["valid_from"]), year)).sort_by("valid_from").to_pylist()
    latest = {row["institution_code"]: row for row in valid}
    campuses: dict[str, list[str]] = {}
    for code, row in latest.items():
        campuses.setdefault(row["campus_of"] or code, []).append(code)
    return [
        Hospital(
            code,
            row["institution_name"] or code,
            tuple(dict.fromkeys([code, *sorted(campuses.get(code, []))])),
            manual_of(row["manual"]),
            row,
        )
        for code, row in sorted(latest.items())
        if (row["campus_of"] or code) == code
    ]


def manual_of(word: str | None) -> Manual:
    """What a word of the register leads to; a word no manual is known for has a reason and no indicators."""
    if not word:
        return Manual(manual="", label="未登记", reason=UNREGISTERED)
    return load_manuals().get(word) or Manual(manual=word, label=word, reason="适用手册未提供")


def hospital_named(home: Home, name: str | None, year: int) -> Hospital:
    """The hospital of that code or name; without one the only hospital that has indicators.

    Errors: `guokao.hospital` (unknown, or several and none named).
    """
    known = hospitals(home, year)
    if name is None:
        having = [one for one in known if one.set_name]
        if len(having) == 1:
            return having[0]
        raise TongpinError(
            "guokao.hospital",
            f"有 {len(having)} 家医院参加国考，没有指明是哪一家" if having else "机构登记里没有参加国考的医院",
            where=str(home.root),
            hint="用 --institution 写机构代码" if having else "装载机构登记（institution），写明 manual 国考手册",
        )
    for one in known:
        if name in {one.name, *one.codes}:
            return one
    raise TongpinError("guokao.hospital", f"机构登记里没有 {name}", where=str(home.root), hint="核对机构代码与生效日期")


def require_set(hospital: Hospital) -> str:
    """The set of a hospital; TongpinError `guokao.manual` where its manual has none (S909-03)."""
    if not hospital.set_name:
        raise TongpinError(
            "guokao.manual",
            f"{hospital.name}：{hospital.reason}，不算指标，不评分",
            where=hospital.manual.manual or "机构登记 manual",
            hint="手册登记错了的，改机构登记后再装载；手册未提供的，等指标集加入",
        )
    return hospital.set_name
