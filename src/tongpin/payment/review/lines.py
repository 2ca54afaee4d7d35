"""Lists that may be reviewed 单议的清单: what closed months posted and still stands, with sums of its group."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.errors import StoreError
from tongpin.payment.month.closed import area_of, closed_months, posted
from tongpin.payment.month.posting import REVERSAL, list_keys
from tongpin.payment.policy.library import open_policy
from tongpin.payment.policy.period import clearing_years
from tongpin.records.intake.lake_tables import CASES, KEYS, ORDERS, SEALED, read_loaded
from tongpin.records.views.stay_lists import MERGED
from tongpin.store import lake, seal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tongpin.payment.policy.policy import Policy
    from tongpin.store.home import Home

GROUP_SUMS: dict[str, str] = {
    "los": "group_days",
    "fee_fen": "group_fee_fen",
    "drug_fee_fen": "group_drug_fee_fen",
    "consumable_fee_fen": "group_consumable_fee_fen",
    "service_fee_fen": "group_service_fee_fen",
}
"""What is summed over the standing cases of a group, and the column of the sum."""

READS: tuple[str, ...] = (
    *("case_id", "institution_code", "institution_name", "record_no", "doctor_code", "dept", MERGED),
    *("discharge_time", "settlement_date", "accepted_date", "sex", "age", "los", "icu_hours", "ventilation_minutes"),
    *("total_fee_fen", "drug_fee_fen", "consumable_fee_fen", "exam_fee_fen", "service_fee_fen"),
    *("drg", "fund", "hospital_level", "pay_scope", "pay_mode", "standard_fen", "outlier_class"),
    *("gross_fen", "patient_fen", "other_funds_fen", "outside_fee_fen", "pool_payable_fen"),
    *("line_kind", "period", "original_period"),
)
"""What the review reads of a posted line."""

_PERSON = ("psn_name", "certno", "psn_no", "hi_no", "contact_name")


class Ground(NamedTuple):
    """A clearing year of an area: the edition that clears it, and the lines that stand, with `fee_fen` and group sums.

    `fee_fen` is the fee within the fee base; `group_cases` and the columns of `GROUP_SUMS` are over the lines paid by
    their group, the line itself among them.
    """

    area: str
    year: int
    policy: Policy
    lines: pa.Table

    @property
    def on(self) -> date:
        """The day whose values step 8 of the clearing reads."""
        return date(self.year, 12, 31)


def settled_area(home: Home, area: str | None) -> str:
    """The area whose closed months are meant; StoreError `review.open` when none is closed."""
    found = area_of(home, area)
    if found is None or not closed_months(home, found):
        raise StoreError(
            "review.open", "没有已关账的月份，没有可以单议的清单", where=str(home.root), hint="先运行 tongpin settle"
        )
    return found


def grounds(home: Home, area: str) -> dict[int, Ground]:
    """Every clearing year of an area with standing lines, from its closed months."""
    lines = posted(home, area, columns=READS)
    last = max(closed_months(home, area))
    years = clearing_years(lines, open_policy(home, area, last))
    standing = _standing(lines)
    found = {}
    for year in np.unique(years[standing]).tolist():
        mine = lines.filter(pa.array(standing & (years == year)))
        found[year] = Ground(area, year, open_policy(home, area, f"{year}-12"), _with_groups(mine))
    return found


def _standing(lines: pa.Table) -> Any:
    """Which lines are neither red nor reversed, as the clearing counts them."""
    keys = list_keys(lines, "case_id")
    is_red = pc.equal(lines["line_kind"], REVERSAL)
    gone = pc.or_(is_red, pc.is_in(keys, value_set=keys.filter(is_red)))
    return pc.invert(gone).to_numpy(zero_copy_only=False)


def _with_groups(lines: pa.Table) -> pa.Table:
    fee = pc.subtract(lines["total_fee_fen"], pc.fill_null(lines["outside_fee_fen"], 0))
    lines = lines.append_column("fee_fen", fee)
    codes = pc.dictionary_encode(pc.fill_null(lines["drg"], "")).combine_chunks()
    group = codes.indices.to_numpy().astype(np.int64) if lines.num_rows else np.zeros(0, np.int64)
    by_group = pc.equal(lines["pay_scope"], "DRG").to_numpy()
    size = int(group.max(initial=-1)) + 1
    columns = {"group_cases": np.bincount(group[by_group], minlength=size)[group]}
    for name, made in GROUP_SUMS.items():
        sums = np.zeros(size, np.int64)
        np.add.at(sums, group[by_group], pc.fill_null(lines[name], 0).to_numpy()[by_group])
        columns[made] = sums[group]
    for name, values in columns.items():
        lines = lines.append_column(name, pa.array(values, pa.int64()))
    return lines


class Details(NamedTuple):
    """The lists that a line paid, as the lake holds them in force, and the words that name the patient."""

    lists: list[dict[str, Any]]
    person: frozenset[str]


def details_of(home: Home, row: Mapping[str, Any]) -> Details:
    """Every column of the lists of a line; the patient's words are unsealed only to be kept out of a reason."""
    ids = row[MERGED] or [row["case_id"]]
    found = lake.read(home, CASES, where=("case_id", pa.array(ids, pa.string())))
    if found is None:
        return Details([], frozenset())
    found = lake.in_force_of(found, KEYS[CASES], ORDERS[CASES])
    mine = pc.and_(
        pc.equal(found["institution_code"], row["institution_code"]), pc.equal(found["source"], "settlement_list")
    )
    found = found.filter(pc.fill_null(mine, False))
    words: set[str] = set()
    if SEALED in found.column_names:
        sealed = found[SEALED].filter(pc.is_valid(found[SEALED]))
        for persons in seal.unseal(home, sealed).to_pylist() if len(sealed) else ():
            words.update(value for name, value in persons.items() if name in _PERSON and value)
        found = found.drop_columns([SEALED])
    return Details(found.to_pylist(), frozenset(words))


def with_departments(home: Home, lines: pa.Table) -> pa.Table:
    """The lines with `department_count`: departments of admission, transfer and discharge, each once."""
    names = ["source", "institution_code", "case_id", "admission_dept", "transfer_depts", "dept"]
    places: dict[tuple[str, str], int] = {}
    owners = zip(
        lines["institution_code"].to_pylist(), lines["case_id"].to_pylist(), lines[MERGED].to_pylist(), strict=True
    )
    for place, (code, one, merged) in enumerate(owners):
        places.update({(code, name): place for name in merged or [one]})
    cases = read_loaded(home, CASES, names)
    wanted = pc.and_(
        pc.equal(cases["source"], "settlement_list"),
        pc.is_in(cases["case_id"], value_set=pa.array(sorted({name for _, name in places}), pa.string())),
    )
    passed: list[set[str]] = [set() for _ in range(lines.num_rows)]
    for row in cases.filter(wanted).to_pylist():
        key = (row["institution_code"], row["case_id"])
        if key in places:
            every = (row["admission_dept"], *(row["transfer_depts"] or ()), row["dept"])
            passed[places[key]].update(one for one in every if one)
    return lines.append_column("department_count", pa.array([len(one) for one in passed], pa.int64()))
