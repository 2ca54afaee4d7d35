"""Columns that only some editions price by: taken from the result, the case or the front page, and never guessed."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from payment_cases import case, fen

from tongpin.base.errors import PolicyError
from tongpin.payment.month.further import further_columns, needed_by, with_further
from tongpin.payment.month.run import settle_in_home
from tongpin.payment.policy.drafts import new_edition
from tongpin.payment.policy.library import policy_named
from tongpin.payment.policy.policy import Policy
from tongpin.payment.policy.vocabulary import KNOWN
from tongpin.records.case.schema import CASE_SCHEMA, DETAIL_SCHEMA
from tongpin.records.intake.load import CASES, INSTITUTIONS, KEYS, RESULTS, read_loaded
from tongpin.records.readers.own_layouts import layout_schema
from tongpin.records.views.stay_lists import join_stays
from tongpin.store import lake
from tongpin.store.home import Home

if TYPE_CHECKING:
    from pathlib import Path

CHILD = {"sex": 1, "age": 0, "los": 8, "dx": ["J18.900"], "px": []}


def home_of(folder: Path, *changes: tuple[str, str]) -> Home:
    """A home with one hospital and the edition city/2025: the demonstration's, with words changed."""
    home = Home.open(folder / "home")
    file = new_edition(home, "city/2025", "demo-east/2025").file
    with open(file, encoding="utf-8") as held:  # noqa: PTH123 - a path as text
        text = re.sub(r"(?m)^draft:.*\n", "", held.read())
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    with open(file, "w", encoding="utf-8") as held:  # noqa: PTH123
        held.write(text)
    row = {
        "institution_code": "H1",
        "institution_name": "示例医院",
        "settlement_level": "三级",
        "valid_from": date(2020, 1, 1),
    }
    keep(home, INSTITUTIONS, row, schema=layout_schema("institution"))
    return home


def keep(home: Home, table: str, *rows: dict[str, Any], schema: pa.Schema) -> None:
    lake.upsert(home, table, pa.Table.from_pylist(list(rows), schema=schema), KEYS[table])


def keep_cases(home: Home, *cases: dict[str, Any]) -> None:
    both = [*CASE_SCHEMA, *DETAIL_SCHEMA]
    plain = pa.schema([f.with_type(pa.list_(pa.string())) if f.name in {"dx", "px"} else f for f in both])
    keep(home, CASES, *cases, schema=plain)


def lines(home: Home) -> dict[str, dict[str, Any]]:
    found = settle_in_home(home, "2025-06", "city", draft=True).settlement.lines.to_pylist()
    return {row["case_id"]: row for row in found}


def a_list(case_id: str, **more: Any) -> dict[str, Any]:
    return case(case_id, 9000, 3000, **({"institution_code": "H1"} | CHILD | more))


def result(setl_id: str, **amounts: int) -> dict[str, Any]:
    return {"setl_id": setl_id, "total_fee_fen": fen(9000), **{k: fen(v) for k, v in amounts.items()}}


def fee_base(option: str) -> tuple[str, str]:
    head = "  fee.base:\n    label: 费用基数\n    unit: choice\n    values: {2024-01-01: "
    return (f"{head}total}}", f"{head}{option}}}")


def test_the_fee_within_the_policy_comes_from_the_settlement_result(tmp_path: Path) -> None:
    home = home_of(tmp_path, fee_base("within_policy"))
    keep_cases(home, a_list("C1"))
    with pytest.raises(PolicyError, match="within_policy_fee_fen（例如病例 C1）"):
        lines(home)
    keep(home, RESULTS, result("C1", in_scope_fee_fen=8500), schema=layout_schema("settlement-result"))
    assert lines(home)["C1"]["outside_fee_fen"] == fen(500)


def test_bills_of_one_stay_add_up_what_their_results_say(tmp_path: Path) -> None:
    home = home_of(tmp_path, fee_base("within_policy"))
    keep_cases(home, a_list("C1", mdtrt_id="M"), a_list("C2", mdtrt_id="M"), a_list("C3"))
    results = [result(name, in_scope_fee_fen=8000) for name in ("C1", "C2", "C3")]
    keep(home, RESULTS, *results, schema=layout_schema("settlement-result"))
    found = lines(home)
    assert {name: row["outside_fee_fen"] for name, row in found.items()} == {"C2": fen(2000), "C3": fen(1000)}


def newborn_rules(admitted: str) -> tuple[str, str]:
    before = "    values: {2024-01-01: [care_type, pay_mode]}\n"
    start = "    values: {2024-01-01: "
    after = (
        f"{start}[care_type, pay_mode, newborn]}}\n    assumed: true\n"
        f"  scope.newborn_days:\n    label: 日龄\n    unit: count\n{start}28}}\n    assumed: true\n"
        f"  scope.newborn_admitted:\n    label: 类型\n    unit: codes\n{start}{admitted}}}\n    assumed: true\n"
        f"  scope.newborn_pay:\n    label: 付费\n    unit: choice\n{start}OUT}}\n"
    )
    return before, after


def test_a_newborn_that_was_only_born_here_is_paid_with_its_mother(tmp_path: Path) -> None:
    home = home_of(tmp_path, newborn_rules('["3"]'))
    keep_cases(
        home,
        a_list("born", age_days=2, newborn_admission_type="1"),
        a_list("ill", age_days=2, newborn_admission_type="3"),
        a_list("older"),
    )
    assert sorted(lines(home)) == ["ill", "older"]


TWINS = "    unit: choice\n    values: {2024-01-01: "


def test_the_weight_that_groups_twins_is_the_editions(tmp_path: Path) -> None:
    chosen = f"  scope.twin_weight:\n    label: 多胎新生儿按哪个出生体重分组\n{TWINS}"
    twins = a_list("T", birth_weight=2600, birth_weights=[2600, 1900])
    one = a_list("S", birth_weight=2500, birth_weights=[2500])
    for option, weight in (("first", 2600), ("lowest", 1900)):
        home = home_of(tmp_path / option, (f"{chosen}first}}", f"{chosen}{option}}}"))
        keep_cases(home, twins, one)
        found = lines(home)
        assert {name: row["birth_weight"] for name, row in found.items()} == {"T": weight, "S": 2500}


def test_only_twins_ask_for_their_weight(tmp_path: Path) -> None:
    home = home_of(tmp_path)
    file = home.policies / "city" / "2025" / "policy.yaml"
    text = file.read_text(encoding="utf-8")
    file.write_text(re.sub(r"(?m)^  scope\.twin_weight:\n(    .*\n)+", "", text), encoding="utf-8")
    keep_cases(home, a_list("S", birth_weight=2500, birth_weights=[2500]))
    assert lines(home)
    keep_cases(home, a_list("T", birth_weight=2600, birth_weights=[2600, 1900]))
    with pytest.raises(PolicyError, match=r"scope\.twin_weight"):
        lines(home)


def test_the_fee_of_tcm_treatment_is_that_of_the_front_page(tmp_path: Path) -> None:
    fallback = "  tcm.fallback:\n    label: 转入\n    unit: text\n    by: [drg]\n"
    fallback += "    values: {2024-01-01: {AA11: BB11}}\n    assumed: true\n"
    home = home_of(tmp_path, ("  fee.base:\n", f"{fallback}  fee.base:\n"))
    out = datetime(2025, 6, 20, 9)  # noqa: DTZ001
    page = a_list("P1", source="front_page", record_no="R1", discharge_time=out)
    page["fees"] = [{"category": "D22", "amount_fen": fen(4000)}, {"category": "D23", "amount_fen": fen(10)}]
    keep_cases(home, page, a_list("C1", record_no="R1", discharge_time=out), a_list("C2", record_no="R2"))
    lists = read_loaded(home, CASES)
    lists = join_stays(lists.filter(pc.equal(lists["source"], "settlement_list")), "merge")
    found = with_further(home, lists, policy_named(home, "city/2025")).to_pylist()
    assert {row["case_id"]: row["tcm_fee_fen"] for row in found} == {"C1": fen(4000), "C2": None}


def test_an_edition_that_needs_nothing_more_reads_nothing_more(tmp_path: Path) -> None:
    home = home_of(tmp_path)
    policy = Policy.load(home.policies / "city" / "2025")
    assert needed_by(policy) == ()


def test_every_further_column_is_asked_for_by_a_choice_that_exists() -> None:
    for one in further_columns():
        known = KNOWN[one.parameter]
        assert not one.option or one.option in known.options
        assert one.source in {"case", "result", "front_page"}
