"""Returns 退回归因: which field a platform's code and message point to, and which office mends it (S901-03).

The table is `catalogue/records/returns.yaml`; rows of a home's own `returns.yaml` come first.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

from pydantic import Field, ValidationError

from tongpin.base.errors import RecordsError
from tongpin.base.strict_yaml import Strict, first_fault, load_strict_yaml
from tongpin.records.formats.page_fields import place_of
from tongpin.records.formats.tables import rows

if TYPE_CHECKING:
    from pathlib import Path

    from tongpin.store.home import Home

OWN_FILE = "returns.yaml"
UNKNOWN = "insurance_office"
"""The office that finds out whose it is where no row fits."""
_INDEX = re.compile(r"\[\d+\]")


class _FieldRow(Strict):
    path: str
    office: str
    assumed: bool = False


class _CodeRow(Strict):
    code: str
    message: str | None = None
    path: str
    office: str | None = None
    hint: str = ""
    assumed: bool = False


class _Table(Strict):
    offices: Annotated[dict[str, str], Field(min_length=1)]
    fields: tuple[_FieldRow, ...] = ()
    codes: tuple[_CodeRow, ...] = ()


class _Own(Strict):
    codes: tuple[_CodeRow, ...] = ()


class Pointed(NamedTuple):
    """Where a return points: path of the field, its Chinese name, the office that mends it, how, and 模拟."""

    path: str
    field: str
    office: str
    office_label: str
    hint: str
    assumed: bool


class Pointers(NamedTuple):
    """The table of a home: offices by id, rows for codes and for fields."""

    offices: dict[str, str]
    codes: tuple[Any, ...]
    fields: tuple[Any, ...]

    def of(self, code: str | None, message: str | None, path: str | None = None) -> Pointed:
        """Where a code and message point; a `path` that the answer itself names comes before the table's."""
        found = next((row for row in self.codes if row.code == code and row.message in {None, message}), None)
        where = path or (found.path if found else "")
        plain = _INDEX.sub("", where)
        owner = next((row for row in self.fields if plain == row.path or plain.startswith(f"{row.path}.")), None)
        office = (found.office if found else None) or (owner.office if owner else UNKNOWN)
        assumed = bool((found and found.assumed) or (owner and owner.assumed) or owner is None)
        return Pointed(where, field_label(where), office, self.offices[office], found.hint if found else "", assumed)


def pointers(home: Home) -> Pointers:
    """The table of a home. RecordsError `returns.table` for a faulty own file."""
    table = _shipped()
    own = home.root / OWN_FILE
    further = _read(own, _Own).codes if own.exists() else ()
    for row in further:
        if row.office is not None and row.office not in table.offices:
            raise RecordsError("returns.table", f"没有科室 {row.office}", where=OWN_FILE, hint="、".join(table.offices))
    return Pointers(table.offices, (*further, *table.codes), table.fields)


def field_label(path: str) -> str:
    """What people call the field of a path (`diseinfo[0].diag_code`, `A11`); the path where no format knows it."""
    plain = _INDEX.sub("", path)
    names = _names()
    if plain in names:
        index = re.search(r"\[(\d+)\]", path)
        return f"{names[plain]}（第 {int(index[1]) + 1} 条）" if index else names[plain]
    if plain.rpartition(".")[2] in _NODES:
        return _NODES[plain.rpartition(".")[2]]
    place = place_of(plain)
    return place.field.label if place is not None else path


_NODES = {
    "setlinfo": "清单表头",
    "payinfo": "基金支付",
    "opspdiseinfo": "门诊慢特病",
    "diseinfo": "诊断",
    "iteminfo": "收费项目",
    "oprninfo": "手术操作",
    "icuinfo": "重症监护",
    "bldinfo": "输血",
    "setl_id": "结算ID",
    "case_id": "病例号",
}


@cache
def _names() -> dict[str, str]:
    return {f"{row['node']}.{row['field']}": row["name_zh"] for row in rows("fields/settlement_list.csv")}


@cache
def column_of_path(path: str) -> str | None:
    """The column that a field of the settlement list fills (`fees.amount_fen`), None for another path."""
    plain = _INDEX.sub("", path)
    return next(
        (row["column"] for row in rows("fields/settlement_list.csv") if f"{row['node']}.{row['field']}" == plain), None
    )


@cache
def _shipped() -> _Table:
    path = files("tongpin") / "catalogue" / "records" / OWN_FILE
    table: _Table = _read(path, _Table)
    named = {*(row.office for row in table.fields), *(row.office for row in table.codes)} - {None}
    if unknown := sorted(str(office) for office in named - table.offices.keys()):
        raise RecordsError("returns.table", f"没有科室 {unknown[0]}", where=OWN_FILE)
    return table


def _read(path: Path | Any, model: Any) -> Any:
    try:
        return model.model_validate(load_strict_yaml(path, "returns", RecordsError))
    except ValidationError as error:
        place, message, hint = first_fault(error)
        raise RecordsError("returns.table", message, where=f"{path.name}：{place}", hint=hint) from None
