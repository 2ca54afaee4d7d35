"""A mock HIS 模拟院内系统: day by day it sends lists, reads what was found, corrects it and sends it again.

    python docs/examples/mock_his.py --url http://127.0.0.1:8000 --token tp_… lists.jsonl

The lists are 4101 messages, a line each, as the demonstration city writes them. Some are sent with a mistake, as real
ones are: the HIS knows the truth, and mends what a finding names.
"""

# ruff: noqa: INP001  # a script by itself, in no package
from __future__ import annotations

import argparse
import copy
import json
import sys
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from api_client import Tongpin

if TYPE_CHECKING:
    from collections.abc import Iterable

EVERY = 4
"""One list in so many is sent with a mistake."""


class Day(NamedTuple):
    """A day of discharges: lists sent, those with findings, those sent again, findings that were left in the end."""

    date: str
    sent: int
    found: int
    corrected: int
    left: int


def by_day(lists: Iterable[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """The lists by day of discharge, in order."""
    days: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for one in lists:
        days[one["setlinfo"]["dscg_time"][:10]].append(one)
    return dict(sorted(days.items()))


def with_mistake(truth: dict[str, Any]) -> dict[str, Any]:
    """A list as somebody filled it in wrongly: a stay much too long."""
    wrong = copy.deepcopy(truth)
    wrong["setlinfo"]["act_ipt_days"] = str(int(truth["setlinfo"]["act_ipt_days"]) + 40)
    return wrong


def corrected(sent: dict[str, Any], truth: dict[str, Any], path: str) -> dict[str, Any]:
    """The field that a finding names, as the HIS knows it; declared a little later than before."""
    mended = copy.deepcopy(sent)
    node, _, name = path.partition(".")
    mended[node][name] = truth[node][name]
    mended["setlinfo"]["dcla_time"] = f"{sent['setlinfo']['dcla_time'][:10]} 23:59:59"
    return mended


def work(tongpin: Tongpin, lists: Iterable[dict[str, Any]]) -> list[Day]:
    """Every day of the lists, one after another."""
    done = []
    count = 0
    for date, truths in by_day(lists).items():
        sent = []
        for truth in truths:
            count += 1
            sent.append(with_mistake(truth) if count % EVERY == 0 else truth)
        answer = tongpin.send_cases("settlement-list", sent)
        found = [one for one in answer["findings"] if one["record"]]
        again: dict[int, dict[str, Any]] = {}
        for one in found:
            place = one["record"] - 1
            if one["path"].startswith("setlinfo."):
                again[place] = corrected(again.get(place, sent[place]), truths[place], one["path"])
        if again:
            tongpin.send_cases("settlement-list", list(again.values()))
        ids = [truth["setlinfo"]["setl_id"] for truth in truths]
        left = sum(len(list(tongpin.rows("findings", case_id=one))) for one in ids)
        done.append(Day(date, len(sent), len({one["record"] for one in found}), len(again), left))
    return done


def main() -> None:
    """Read the lists of a file and work through them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default="http://127.0.0.1:8000")
    parser.add_argument("--token", required=True)
    parser.add_argument("lists", type=Path)
    asked = parser.parse_args()
    lists = [json.loads(line) for line in asked.lists.read_text(encoding="utf-8").splitlines() if line.strip()]
    with Tongpin(asked.url, asked.token) as tongpin:
        for day in work(tongpin, lists):
            said = f"送 {day.sent} 份，有问题 {day.found} 份，改正重传 {day.corrected} 份，还剩 {day.left} 个问题"
            sys.stdout.write(f"{day.date}　{said}\n")


if __name__ == "__main__":
    main()
