"""Imported 导入的数: what records do not hold, as additive facts beside those of the cases, and cost per case.

Beds come from the registers, complaints, revisits and complications from the layout `finance`, cost from `cost`, the
values of peers from `peer` (S000-45, S001-04, S906-01). Where nothing is imported there is no fact, and no figure.
"""

from __future__ import annotations

from calendar import monthrange
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.errors import TongpinError
from tongpin.base.money import round_half_up, round_half_up_column
from tongpin.base.strict_yaml import Strict
from tongpin.measures.catalogue import Measure, catalogue_folder, read_catalogue
from tongpin.measures.compute import roll_up
from tongpin.measures.facts import MILLION

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

WHOLE_COST, RATIO = "全成本", "成本费用比"
STAGES = ("分摊后", "", "直接")
"""Which stage of a department's cost is taken, the first that is there."""
COST_COLUMN = "cost_fen"
_COST = frozenset({"cost_fen", "standard_cost_fen", "costed_fee_fen", "costed_standard_fen"})
_PLACE = ("institution_code", "month")


class Item(Strict):
    """An item of the layout `finance`: the fact it becomes, and the fact of cases that it stands against."""

    item: str
    label: str
    unit: str
    fact: str
    counted: str
    against: str


class PeerItem(Strict):
    """An item of the layout `peer` and the measure that it is a value of, divided by `scale`."""

    item: str
    measure: str
    scale: int


class PeerValue(NamedTuple):
    """The values of a measure that peers of a level have: how many, their median, the period and where from."""

    values: int
    median: float
    period: str
    document: str


@cache
def load_imported_items() -> tuple[Item, ...]:
    """The items of `finance` that measures use."""
    return read_catalogue(catalogue_folder("measures") / "items.yaml", "items", Item)


@cache
def load_peer_items() -> dict[str, PeerItem]:
    """The items of `peer` that are values of a measure, by item."""
    entries = read_catalogue(catalogue_folder("measures") / "peers.yaml", "peers", PeerItem)
    return {one.item: one for one in entries}


def needs_cost(measure: Measure) -> bool:
    """Whether a measure rests on cost: it is named nowhere in a home without cost (S906-01)."""
    return bool(set(measure.facts) & _COST)


def beside(sums: pa.Table, others: Iterable[pa.Table], by: Sequence[str]) -> pa.Table:
    """Sums of cases with imported facts as further rows: facts a row does not have are zero, so that sums add up.

    Tables that lack one of the slices `by` are left out: a hospital's beds are no ward's.
    """
    fitting = [one for one in others if one.num_rows and set(by) <= set(one.column_names)]
    if not fitting:
        return sums
    tables = (sums, *fitting)
    numbers = [field.name for one in tables for field in one.schema if pa.types.is_integer(field.type)]
    every = [name for name in dict.fromkeys(numbers) if name not in by]
    parts = []
    for table in tables:
        columns = {name: table[name].cast(pa.string()) for name in by}
        for name in every:
            there = name in table.column_names
            columns[name] = table[name].cast(pa.int64()) if there else pa.array(np.zeros(table.num_rows, np.int64))
        parts.append(pa.table(columns))
    return roll_up(pa.concat_tables(parts), by)


def item_facts(finance: pa.Table, sums: pa.Table, months: Sequence[str], by_dept: Sequence[str]) -> list[pa.Table]:
    """The facts of filed items, one table each: places and months with the fact and the cases it stands against.

    `sums` holds the facts of cases by institution, month and, with `by_dept` = `["dept"]`, department; only what is
    filed for a month counts, and only the cases of those months stand against it. A value that is no whole number is
    refused (`measures.item`). Source: S001-04.
    """
    keys = [*_PLACE, *by_dept]
    tables: list[pa.Table] = []
    for item in load_imported_items():
        filed: dict[tuple[str, ...], int] = {}
        for row in finance.filter(pc.equal(finance["item_code"], item.item)).to_pylist():
            if row["month"] not in months or bool(row["dept_code"]) != bool(by_dept):
                continue
            key = (row["institution_code"], row["month"], *([row["dept_code"]] if by_dept else []))
            filed[key] = filed.get(key, 0) + _whole(item, row)
        if filed and item.counted in sums.column_names:
            cases = {tuple(row[name] for name in keys): row[item.counted] for row in roll_up(sums, keys).to_pylist()}
            columns: dict[str, Any] = {name: [key[place] for key in filed] for place, name in enumerate(keys)}
            columns[item.fact] = list(filed.values())
            columns[item.against] = [cases.get(key, 0) for key in filed]
            tables.append(pa.table(columns))
    return tables


def _whole(item: Item, row: Mapping[str, Any]) -> int:
    value = Decimal(row["value"])
    if value != int(value) or row["unit"] != item.unit:
        raise TongpinError(
            "measures.item",
            f"{item.label} {row['value']} {row['unit']} 不是以{item.unit}计的整数",
            where=f"填报数据 {row['institution_code']} {row['month']} {item.item}",
            hint=f"单位写{item.unit}，数值写整数，再装载一次",
        )
    return int(value)


def bed_facts(
    institutions: pa.Table, departments: pa.Table, sums: pa.Table, months: Sequence[str], by_dept: Sequence[str]
) -> list[pa.Table]:
    """Bed-days of a month and the stays they stand against: open beds and registered beds, each where it is known.

    By hospital from its register, else, for open beds, from its departments; by department from the departments
    alone. A bed that is not registered is no zero: the stays of such places count nowhere. Source: S000-45.
    """
    stays = roll_up(sums, [*_PLACE, *by_dept]).to_pylist() if "stay_days" in sums.column_names else []
    tables: list[pa.Table] = []
    for kind, column in (("open", "open_beds"), ("registered", "beds")):
        rows = []
        for row in stays:
            if row["month"] not in months:
                continue
            beds = _beds(institutions, departments, row, column, by_dept)
            if beds:
                year, month = (int(part) for part in row["month"].split("-"))
                days = beds * monthrange(year, month)[1]
                place = {name: row[name] for name in (*_PLACE, *by_dept)}
                rows.append(place | {f"{kind}_bed_days": days, f"{kind}_bedded_days": row["stay_days"]})
        if rows:
            tables.append(pa.Table.from_pylist(rows))
    return tables


def _beds(
    institutions: pa.Table, departments: pa.Table, row: Mapping[str, Any], column: str, by_dept: Sequence[str]
) -> int:
    code, month = row["institution_code"], row["month"]
    if not by_dept:
        registered = _in_force(institutions, code, month)
        if registered and registered[-1][column]:
            return int(registered[-1][column])
    if column != "open_beds":
        return 0
    latest = {one["dept_code"]: one for one in _in_force(departments, code, month)}
    wanted = row["dept"] if by_dept else None
    return sum(one[column] or 0 for one in latest.values() if wanted is None or _national(one) == wanted)


def _national(department: Mapping[str, Any]) -> str:
    return str(department["national_dept"] or department["dept_code"])


def _in_force(table: pa.Table, code: str, month: str) -> list[dict[str, Any]]:
    """The rows of an institution in force at the end of a month, oldest first."""
    year, number = (int(part) for part in month.split("-"))
    last = f"{month}-{monthrange(year, number)[1]:02d}"
    own = table.filter(pc.equal(table["institution_code"], code)).sort_by("valid_from").to_pylist()
    return [
        row
        for row in own
        if str(row["valid_from"]) <= last and (row.get("valid_until") is None or str(row["valid_until"]) >= last)
    ]


def statement_facts(statements: pa.Table) -> pa.Table:
    """What the statements say of an institution and a month: payable, by item, and what audit took back (S000-31)."""
    columns = {
        "institution_code": statements["institution_code"],
        "month": statements["month"],
        "hospital_level": statements["hospital_level"],
        "statement_payable_fen": statements["month_pool_payable_fen"],
        "statement_item_pool_fen": statements["month_item_pool_fen"],
        "statement_deduction_fen": pc.add(statements["audit_deduction_fen"], statements["penalty_fen"]),
    }
    return pa.table({name: pc.fill_null(column, "" if name in _TEXT else 0) for name, column in columns.items()})


_TEXT = ("institution_code", "month", "hospital_level")


def lacks_fees(cost: pa.Table) -> bool:
    """Whether a whole cost stands without the fees that it was spent on, so that those of all cases are asked for."""
    return any(row["cost_kind"] == WHOLE_COST and row["fee_amount_fen"] is None for row in cost.to_pylist())


def with_cost(cases: pa.Table, cost: pa.Table, departments: pa.Table, discharged: pa.Table | None = None) -> pa.Table:
    """The cases with `cost_fen`: the fee times the ratio of cost to fee of its group, else of its department.

    `cost`: rows of the layout `cost`. A ratio is given as such, or is the whole cost after allocation over its fee;
    where the row gives none, over the fees of all patients that the department discharged in the month: `discharged`,
    the cases themselves unless given (lists are only the insured of them). Rounding points: the ratio to a millionth,
    the cost of a case to the fen. Null without a ratio; without any cost the column is absent. Source: S906-01.
    """
    if not cost.num_rows:
        return cases
    national = {(one["institution_code"], one["dept_code"]): _national(one) for one in departments.to_pylist()}
    fees = _fees(cases if discharged is None else discharged)
    ratios: dict[str, int] = {}
    for key, rows in _cost_rows(cost, national).items():
        ratio = _cost_ratio(rows, fees.get(key, 0))
        if ratio is not None:
            ratios["\x1f".join(key)] = ratio
    known = pa.array(ratios, pa.string())
    values = pa.array(ratios.values(), pa.int64())
    texts = [pc.fill_null(cases[name].cast(pa.string()), "") for name in (*_PLACE, "dept", "drg")]
    blank = pa.array([""] * cases.num_rows, pa.string())
    found = [
        values.take(pc.index_in(pc.binary_join_element_wise(*keys, "\x1f").combine_chunks(), value_set=known))
        for keys in (texts, [*texts[:3], pa.chunked_array([blank])])
    ]
    ratio = pc.coalesce(*found)
    fee = np.asarray(pc.fill_null(cases["total_fee_fen"], 0).to_numpy(), dtype=np.int64)
    amount = round_half_up_column(fee * np.asarray(pc.fill_null(ratio, 0).to_numpy(), dtype=np.int64), MILLION)
    unknown = pc.or_(pc.is_null(ratio), pc.is_null(cases["total_fee_fen"]).combine_chunks())
    return cases.append_column(COST_COLUMN, pa.array(amount, pa.int64(), mask=np.asarray(unknown)))


def _fees(cases: pa.Table) -> dict[tuple[str, str, str, str], int]:
    keys = [*_PLACE, "dept", "drg"]
    slim = cases.select([*keys, "total_fee_fen"])
    found: dict[tuple[str, str, str, str], int] = {}
    for row in slim.group_by(keys).aggregate([("total_fee_fen", "sum")]).to_pylist():
        place = (row["institution_code"], row["month"], row["dept"] or "", row["drg"] or "")
        for key in (place, (*place[:3], "")):
            found[key] = found.get(key, 0) + (row["total_fee_fen_sum"] or 0)
    return found


def _cost_rows(
    cost: pa.Table, national: Mapping[tuple[str, str], str]
) -> dict[tuple[str, str, str, str], list[dict[str, Any]]]:
    found: dict[tuple[str, str, str, str], list[dict[str, Any]]] = {}
    for row in cost.to_pylist():
        dept = national.get((row["institution_code"], row["dept_code"]), row["dept_code"])
        found.setdefault((row["institution_code"], row["month"], dept, row["group_code"] or ""), []).append(row)
    return found


def _cost_ratio(rows: Sequence[Mapping[str, Any]], own_fee: int) -> int | None:
    """The ratio in millionths that the rows of a department (or of its group) and a month give, if any."""
    given = [row["cost_to_fee_ratio"] for row in rows if row["cost_kind"] == RATIO]
    if given:
        return int(given[-1] * MILLION)
    for stage in STAGES:
        whole = [row for row in rows if row["cost_kind"] == WHOLE_COST and (row["stage"] or "") == stage]
        if whole:
            amount = sum(row["amount_fen"] for row in whole)
            fee = sum(row["fee_amount_fen"] or 0 for row in whole) or own_fee
            return round_half_up(amount * MILLION, fee) if fee > 0 else None
    return None


def peer_values(peers: pa.Table, months: Sequence[str]) -> dict[tuple[str, str], PeerValue]:
    """Values that peers filed, by (measure, level): of the months, else of the latest year before them (imported)."""
    found: dict[tuple[str, str], dict[str, list[Mapping[str, Any]]]] = {}
    for row in peers.to_pylist():
        item = load_peer_items().get(row["item_code"])
        period = row["month"] or str(row["year"])
        if item is None or row["group_code"] or (row["month"] and row["month"] not in months):
            continue
        if row["month"] is None and period > min(months)[:4]:
            continue
        key = (item.measure, row["settlement_level"] or "")
        found.setdefault(key, {}).setdefault(period, []).append(row | {"scale": item.scale})
    values: dict[tuple[str, str], PeerValue] = {}
    for key, periods in found.items():
        period = max(periods)
        rows = periods[period]
        middle = float(np.median([float(row["value"]) / row["scale"] for row in rows]))
        documents = "、".join(sorted({row["document"] for row in rows if row["document"]}))
        values[key] = PeerValue(len(rows), middle, period, documents)
    return values
