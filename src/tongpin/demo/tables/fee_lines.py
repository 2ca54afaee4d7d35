"""Fee lines 费用明细 and running bills 在院费用: lines that sum to the items of their list, day by day to its total."""

from __future__ import annotations

import csv
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.money import check_balance
from tongpin.demo.calendar import Purpose, stream
from tongpin.demo.tables.shape import conform, hundredths
from tongpin.records.case.nested import flatten

if TYPE_CHECKING:
    from tongpin.demo.calendar import Month
    from tongpin.demo.groups import Array
    from tongpin.demo.setting import Setting

CLASSES = {"class_a_fen": "甲", "class_b_fen": "乙", "own_pay_fen": "自费"}
LARGEST_QUANTITY = 5
FEE_LINES, RUNNING_BILLS = 1, 2
"""Streams of their own."""


@cache
def catalogue() -> dict[str, list[dict[str, str]]]:
    """The items of the demonstration catalogue by category."""
    text = resources.files("tongpin.demo").joinpath("plan", "items.csv").read_text(encoding="utf-8")
    found: dict[str, list[dict[str, str]]] = {}
    for row in csv.DictReader(text.splitlines()):
        found.setdefault(row["category"], []).append(row)
    return found


def fee_lines(setting: Setting, month: Month, hospital: int, lists: pa.Table) -> pa.Table:
    """The lines of all lists in layout `fee-line`: they sum to every item of a list, by class too.

    Charged between admission and discharge. `row` beside the layout is the row of the list.
    """
    rng = stream(setting.seed, Purpose.LAYOUT, month.index, hospital, FEE_LINES)
    items = flatten(lists["fees"].combine_chunks())
    amounts = np.column_stack([np.asarray(items.fields[name]) for name in CLASSES])
    held = amounts > 0
    cell, kind = np.nonzero(held)
    amount = amounts[held]
    mean = setting.profile.layouts.lines_per_item.value
    lines = np.minimum(rng.poisson(mean, len(amount)) + 1, amount)
    parent = np.repeat(np.arange(len(amount)), lines)
    part = _shared(amount, lines, parent, rng)
    check_balance("demo.fee_lines", "演示费用明细", int(part.sum()), int(amounts.sum()))
    row = items.parents[cell][parent]
    category = np.asarray(items.fields["category"].to_pylist(), dtype=str)[cell][parent]
    second = _seconds(lists, row, rng)
    order = np.lexsort((second, row))
    row, category, part, second, kind = (one[order] for one in (row, category, part, second, kind[parent]))
    place = np.arange(len(row)) - np.searchsorted(row, row) + 1
    quantity = rng.integers(1, LARGEST_QUANTITY + 1, len(row))
    quantity = np.where(part % quantity == 0, quantity, 1)
    code, name, unit, high = _items(category, rng)
    index = pa.array(row)
    lines_of = conform(
        "fee-line",
        len(row),
        {
            "institution_code": lists["institution_code"].combine_chunks().take(index),
            "setl_id": lists["case_id"].combine_chunks().take(index),
            "mdtrt_id": lists["mdtrt_id"].combine_chunks().take(index),
            "line_no": pa.array(place).cast(pa.string()),
            "charged_time": pa.array(second.astype("datetime64[s]")),
            "item_code": code,
            "item_name": name,
            "category": pa.array(category),
            "catalogue_class": pa.array(list(CLASSES.values())).take(pa.array(kind)),
            "unit": unit,
            "quantity": quantity.astype(np.int32),
            "price_yuan": hundredths(part // quantity),
            "amount_fen": pa.array(part),
            "dept": lists["dept"].combine_chunks().take(index),
            "doctor_code": lists["doctor_code"].combine_chunks().take(index),
            "is_high_value": high,
        },
    )
    return lines_of.append_column("row", index)


def _shared(amount: Array, lines: Array, parent: Array, rng: np.random.Generator) -> Array:
    """Every amount in so many parts, at least a fen each; what the division leaves goes to the first."""
    weights = rng.exponential(1.0, len(parent))
    sums = np.bincount(parent, weights, minlength=len(amount))
    part = 1 + np.floor((amount - lines)[parent] * weights / sums[parent]).astype(np.int64)
    first = np.concatenate([[0], np.cumsum(lines)[:-1]]).astype(np.int64) if len(lines) else np.zeros(0, np.int64)
    part[first] += amount - np.bincount(parent, part, minlength=len(amount)).astype(np.int64)
    return part


def _seconds(lists: pa.Table, row: Array, rng: np.random.Generator) -> Array:
    """A moment within the stay of each row, in seconds."""
    came, left = (
        lists[name].to_numpy().astype("datetime64[s]").astype(np.int64) for name in ("admission_time", "discharge_time")
    )
    seconds: Array = came[row] + np.floor((left - came)[row] * rng.random(len(row))).astype(np.int64)
    return seconds


def _items(category: Array, rng: np.random.Generator) -> tuple[pa.Array, ...]:
    """An item of the category for every line: code, name, unit, whether it is of high value."""
    known = catalogue()
    rows = [row for items in known.values() for row in items]
    starts = np.cumsum([0, *(len(items) for items in known.values())])
    which = np.searchsorted(sorted(known), category)
    size = np.diff(starts)[which]
    index = pa.array(starts[which] + np.floor(rng.random(len(category)) * size).astype(np.int64))
    high = pa.array([bool(row["high_value"]) for row in rows])
    return (
        *(pa.array([row[name] for row in rows]).take(index) for name in ("item_code", "item_name", "unit")),
        high.take(index),
    )


def running_bills(lists: pa.Table, lines: pa.Table) -> pa.Table:
    """The bill of every day of every stay in layout `running-bill`, from its fee lines; it ends at the total.

    Interim bills of one stay make one running bill; what it says of the stay is what its last list says.
    """
    begins, ends = (
        lists[name].to_numpy().astype("datetime64[D]").astype(np.int64) for name in ("admission_time", "discharge_time")
    )
    _, stay = np.unique(lists["mdtrt_id"].to_numpy(zero_copy_only=False).astype(str), return_inverse=True)
    stays = int(stay.max(initial=-1)) + 1
    came, left = np.full(stays, np.iinfo(np.int64).max), np.full(stays, np.iinfo(np.int64).min)
    np.minimum.at(came, stay, begins)
    np.maximum.at(left, stay, ends)
    last_list = np.zeros(stays, dtype=np.int64)
    in_order = np.argsort(ends, kind="stable")
    last_list[stay[in_order]] = in_order
    days = left - came + 1
    starts = np.concatenate([[0], np.cumsum(days)])
    row = np.repeat(np.arange(stays), days)
    day = came[row] + np.arange(len(row)) - starts[row]
    line_row = stay[lines["row"].to_numpy()]
    line_day = lines["charged_time"].to_numpy().astype("datetime64[D]").astype(np.int64)
    at = starts[line_row] + line_day - came[line_row]
    category = lines["category"].to_numpy(zero_copy_only=False).astype(str)
    spent: dict[str, Any] = {}
    amount = lines["amount_fen"].to_numpy()
    for name, chosen in (
        ("all", np.ones(len(at), dtype=bool)),
        ("drug", np.isin(category, ["09", "10", "11"])),
        ("consumable", category == "08"),
    ):
        daily = np.zeros(len(row), dtype=np.int64)
        np.add.at(daily, at[chosen], amount[chosen])
        total = np.concatenate([[0], np.cumsum(daily)])
        spent[name] = (daily, total[1:] - total[starts[:-1]][row])
    index = pa.array(last_list[row])
    last = spent["all"][1][starts[1:] - 1]
    check_balance(
        "demo.running_bills", "演示在院费用", int(last.sum()), int(pc.sum(lists["total_fee_fen"]).as_py() or 0)
    )
    return conform(
        "running-bill",
        len(row),
        {
            "institution_code": lists["institution_code"].combine_chunks().take(index),
            "mdtrt_id": lists["mdtrt_id"].combine_chunks().take(index),
            "setl_id": lists["case_id"].combine_chunks().take(index),
            "bill_date": pa.array(day.astype("datetime64[D]")),
            "day_amount_fen": pa.array(spent["all"][0]),
            "cumulative_amount_fen": pa.array(spent["all"][1]),
            "cumulative_drug_amount_fen": pa.array(spent["drug"][1]),
            "cumulative_consumable_amount_fen": pa.array(spent["consumable"][1]),
            "admission_date": pa.array(came[row].astype("datetime64[D]")),
            "dept": lists["dept"].combine_chunks().take(index),
            "doctor_code": lists["doctor_code"].combine_chunks().take(index),
            "insurance": lists["insurance"].combine_chunks().take(index),
            "expected_dx": pc.list_element(lists["dx"].combine_chunks(), 0).cast(pa.string()).take(index),
        },
    )


def still_in_house(bills: pa.Table, month: Month) -> pa.Table:
    """The running bills of patients who are in house at the end of a month and have no list yet.

    They are those who were in house when it began, a month later: their bills up to the day before it, shifted by the
    days of the month, under numbers of their own.
    """
    first, days = month.first_day, np.timedelta64(month.days, "D")
    before = bills.filter(pc.less(bills["bill_date"], pa.scalar(first.astype(object), pa.date32())))
    shifted = {
        name: pa.array(np.asarray(before[name]).astype("datetime64[D]") + days).cast(pa.date32())
        for name in ("bill_date", "admission_date")
    }
    new = {
        **shifted,
        "mdtrt_id": pc.binary_join_element_wise("Z", before["mdtrt_id"].combine_chunks(), ""),
        "setl_id": pa.nulls(before.num_rows, before.schema.field("setl_id").type),
    }
    return pa.table({name: new.get(name, before[name]) for name in before.column_names}, schema=before.schema)
