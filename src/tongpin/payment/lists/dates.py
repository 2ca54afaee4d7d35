"""Eight dates 八个日期: admission, discharge, settlement, upload, acceptance, filing month, transfer, clearing year.

Kept for every list (S900-02); and the bridge 出院 → 结算 → 上传 → 入组 → 拨付, so that a figure by discharge and one by
payment are never compared in silence (S901-09).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.errors import PolicyError, StoreError
from tongpin.payment.lists.editions import Editions
from tongpin.payment.lists.facts import LIST, read_facts
from tongpin.payment.month.closed import posted
from tongpin.payment.month.posting import REVERSAL, list_keys
from tongpin.payment.policy.period import clearing_years
from tongpin.records.intake.load import read_loaded
from tongpin.records.views.stay_lists import MERGED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tongpin.store.home import Home

BANK, TRANSFER = "bank", "拨付"
"""The book and the purpose of a bank line that pays the transfer of a month."""
BY_RESULT, BY_BANK, BY_STATEMENT = "result", "bank", "statement"
TRANSFER_LABELS = {BY_RESULT: "结算结果", BY_BANK: "银行到账", BY_STATEMENT: "只知所属月结"}

DATES_SCHEMA = pa.schema(
    [
        ("institution_code", pa.string()),
        ("case_id", pa.string()),
        ("admission_date", pa.date32()),
        ("discharge_date", pa.date32()),
        ("settlement_date", pa.date32()),
        ("upload_date", pa.date32()),
        ("accepted_date", pa.date32()),
        ("filing_month", pa.string()),
        ("transfer_date", pa.date32()),
        ("clearing_year", pa.int64()),
        ("period", pa.string()),
        ("transfer_known_by", pa.string()),
        ("total_fee_fen", pa.int64()),
        ("pool_payable_fen", pa.int64()),
    ]
)
"""The eight dates of a list; `period` is the month whose closing paid it. What a settlement result gives stands;
`filing_month` else is `period`, `transfer_date` the last bank line that paid the transfer of hospital, fund and month
(null when only the month is known), `clearing_year` that of the edition. `pool_payable_fen` is null before a month
paid it; lists merged into one case carry it on the list whose id the case has."""

STAGES = {"discharged": "出院", "settled": "结算", "uploaded": "上传", "grouped": "入组", "paid": "拨付"}
BRIDGE_SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("discharge_month", "stage", "stage_month")),
        ("count", pa.int64()),
        ("total_fee_fen", pa.int64()),
        ("pool_payable_fen", pa.int64()),
    ]
)
"""How many lists of a discharge month reached a stage in which month; `stage_month` null: not yet."""
PATH_SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in STAGES),
        ("count", pa.int64()),
        ("total_fee_fen", pa.int64()),
        ("pool_payable_fen", pa.int64()),
    ]
)
"""Lists that reached every stage in the same months (null: not yet, of a discharge unknown)."""


def eight_dates(home: Home, area: str | None, case_id: str | None = None) -> pa.Table:
    """The eight dates of every inpatient list of an area, or of one alone (`DATES_SCHEMA`). Source: S900-02."""
    facts = read_facts(home, area, case_id)
    units = facts.units.filter(pc.equal(facts.units["source"], LIST))
    keys = list_keys(units, "case_id")
    lines = facts.lines.filter(pc.not_equal(facts.lines["line_kind"], REVERSAL)).sort_by("period")
    period = lines["period"].take(pc.index_in(keys, value_set=list_keys(lines, "case_id")))
    paid = _paid(home, area)
    place = pc.index_in(keys, value_set=list_keys(paid, "case_id"))
    fund = paid["fund"].take(place)
    bank = _bank_days(home, area, units["institution_code"], fund, period)
    given = units["transfer_date"]
    known_by = pc.if_else(
        pc.is_valid(given),
        BY_RESULT,
        pc.if_else(
            pc.is_valid(bank), BY_BANK, pc.if_else(pc.is_valid(period), BY_STATEMENT, pa.scalar(None, pa.string()))
        ),
    )
    columns = {
        "institution_code": units["institution_code"],
        "case_id": units["case_id"],
        "admission_date": _day(units["admission_time"]),
        "discharge_date": _day(units["discharge_time"]),
        "settlement_date": units["settlement_date"],
        "upload_date": _day(units["upload_time"]),
        "accepted_date": units["accepted_date"],
        "filing_month": pc.coalesce(units["filing_month"], period),
        "transfer_date": pc.coalesce(given, bank),
        "clearing_year": pc.coalesce(pc.cast(units["clearing_year"], pa.int64()), _years(home, area, units)),
        "period": period,
        "transfer_known_by": known_by,
        "total_fee_fen": units["total_fee_fen"],
        "pool_payable_fen": paid["pool_payable_fen"].take(place),
    }
    return pa.table([pc.cast(columns[one.name], one.type) for one in DATES_SCHEMA], schema=DATES_SCHEMA)


def _day(column: Any) -> Any:
    return pc.cast(column, pa.date32(), safe=False)


def _paid(home: Home, area: str | None) -> pa.Table:
    """Fund and net payable of the lists of closed months, under the id of each list of a merged stay the fund alone."""
    lines = posted(home, area, columns=["institution_code", "case_id", "fund", "pool_payable_fen", MERGED])
    own = (
        lines.group_by(["institution_code", "case_id"])
        .aggregate([("fund", "max"), ("pool_payable_fen", "sum")])
        .rename_columns(["institution_code", "case_id", "fund", "pool_payable_fen"])
    )
    together = lines.filter(pc.is_valid(lines[MERGED]))
    ids = together[MERGED].combine_chunks()
    parents = pc.list_parent_indices(ids)
    each = pa.table(
        [
            together["institution_code"].take(parents),
            pc.list_flatten(ids),
            together["fund"].take(parents),
            pa.nulls(len(parents), pa.int64()),
        ],
        own.column_names,
    )
    return pa.concat_tables([own, each])


def _bank_days(home: Home, area: str | None, institutions: Any, funds: Any, periods: Any) -> Any:
    """The last day on which the bank paid the transfer of the hospital, fund and month of each list.

    The book is a hospital's as a whole: whoever sees a part of one knows the month alone.
    """
    try:
        lines = read_loaded(home, "bank_line")
    except StoreError as error:
        if error.code != "store.scope":
            raise
        return pa.nulls(len(institutions), pa.date32())
    lines = lines.filter(
        pc.and_(
            pc.and_(pc.equal(lines["book"], BANK), pc.equal(lines["purpose"], TRANSFER)),
            pc.greater(lines["amount_fen"], 0),
        )
    )
    lines = lines.filter(pc.or_(pc.is_null(lines["area"]), pc.fill_null(pc.equal(lines["area"], area or ""), False)))
    short = pc.utf8_slice_codeunits(lines["fund"], 0, 3)
    days = pa.table({"key": _joined(lines["institution_code"], short, lines["month"]), "day": lines["booked_date"]})
    last = days.filter(pc.is_valid(days["key"])).group_by("key").aggregate([("day", "max")])
    wanted = _joined(institutions, pc.utf8_slice_codeunits(funds, 0, 3), periods)
    return last["day_max"].take(pc.index_in(wanted, value_set=last["key"].combine_chunks(), skip_nulls=True))


def _joined(*columns: Any) -> Any:
    return pc.binary_join_element_wise(*columns, "\x1f")


def _years(home: Home, area: str | None, units: pa.Table) -> Any:
    """The clearing year of each list by the edition of its settlement month; null where a date or an edition lacks."""
    editions = Editions(home, area)
    months = pc.strftime(pc.coalesce(units["settlement_date"], _day(units["discharge_time"])), "%Y-%m")
    found = np.full(units.num_rows, 0, np.int64)
    for month in pc.unique(months).drop_null().to_pylist():
        policy = editions.of(month)
        rows = np.flatnonzero(np.asarray(pc.fill_null(pc.equal(months, month), False)))
        if policy is None:
            continue
        try:
            found[rows] = clearing_years(units.take(pa.array(rows)), policy)
        except PolicyError as error:
            if error.code != "policy.date":
                raise
    return pa.array(found, mask=found == 0)


def stage_months(dates: pa.Table) -> dict[str, Any]:
    """The month (`YYYY-MM`) in which each list reached each stage, null where it has not.

    The transfer counts in the month of its date, else in the month whose closing paid the list.
    """
    return {
        "discharged": _month(dates["discharge_date"]),
        "settled": _month(dates["settlement_date"]),
        "uploaded": _month(dates["upload_date"]),
        "grouped": dates["period"],
        "paid": pc.coalesce(_month(dates["transfer_date"]), dates["period"]),
    }


def paths(dates: pa.Table) -> pa.Table:
    """The lists by the months of all their stages (`PATH_SCHEMA`): what the bridge and its picture add up."""
    amounts = {name: dates[name] for name in ("total_fee_fen", "pool_payable_fen")}
    sums = (
        pa.table({**stage_months(dates), **amounts})
        .group_by(list(STAGES))
        .aggregate([([], "count_all"), *((name, "sum") for name in amounts)])
    )
    made = sums.select([*STAGES, "count_all", "total_fee_fen_sum", "pool_payable_fen_sum"])
    return made.rename_columns(PATH_SCHEMA.names).cast(PATH_SCHEMA).sort_by([(one, "ascending") for one in STAGES])


def bridge(dates: pa.Table) -> pa.Table:
    """The stages of the lists by month of discharge and month of stage (`BRIDGE_SCHEMA`); lists without one are null.

    Each stage of a discharge month has the same count and fees. Source: S901-09 (figures).
    """
    return bridge_of(paths(dates))


def bridge_of(found: pa.Table) -> pa.Table:
    """The bridge from its paths (`PATH_SCHEMA`)."""
    names = ["discharge_month", "stage", "stage_month"]
    amounts = ("count", "total_fee_fen", "pool_payable_fen")
    parts = [
        pa.table(
            {
                "discharge_month": found["discharged"],
                "stage": pa.array([stage] * found.num_rows, pa.string()),
                "stage_month": found[stage],
                **{name: found[name] for name in amounts},
            }
        )
        for stage in STAGES
    ]
    sums = pa.concat_tables(parts).group_by(names).aggregate([(name, "sum") for name in amounts])
    made = sums.select([*names, *(f"{name}_sum" for name in amounts)])
    return made.rename_columns(BRIDGE_SCHEMA.names).cast(BRIDGE_SCHEMA).sort_by([(one, "ascending") for one in names])


def paths_in_home(home: Home, area: str | None, institution_code: str | None = None) -> pa.Table:
    """The paths of an area of a home, or of one institution of it (`PATH_SCHEMA`)."""
    dates = eight_dates(home, area)
    if institution_code is not None:
        dates = dates.filter(pc.equal(dates["institution_code"], institution_code))
    return paths(dates)


def _month(column: Any) -> Any:
    return pc.strftime(column, "%Y-%m")


def dates_of(home: Home, area: str | None, case_id: str) -> list[dict[str, Any]]:
    """The eight dates of one list, one row for each institution that has it."""
    return list(eight_dates(home, area, case_id).to_pylist())


def dates_words(row: Mapping[str, Any]) -> str:
    """The eight dates of a list on one line; what is not known says so."""
    days = {
        "入院": row["admission_date"],
        "出院": row["discharge_date"],
        "结算": row["settlement_date"],
        "上传": row["upload_date"],
        "接收": row["accepted_date"],
        "申报月份": row["filing_month"],
    }
    said = [f"{label} {value or '—'}" for label, value in days.items()]
    how = row["transfer_known_by"]
    if row["transfer_date"] is not None:
        said.append(f"拨付 {row['transfer_date']}（{TRANSFER_LABELS[how]}）")
    else:
        said.append(f"拨付 —（所属月结 {row['period']}）" if row["period"] else "拨付 —")
    said.append(f"清算年度 {row['clearing_year'] or '—'}")
    return "；".join(said)
