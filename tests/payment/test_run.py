"""A home through its months: a month closes once, late lists and reversals go to the next, tampering is noticed."""

from __future__ import annotations

import shutil
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tongpin.base.errors import PolicyError, StoreError
from tongpin.payment.month.closed import LINES, STATEMENTS
from tongpin.payment.month.run import closed_run, line_case, posted_lines, settle_in_home
from tongpin.payment.month.statement_columns import statement_basis
from tongpin.payment.policy.library import open_policy, policy_at_close, policy_folders
from tongpin.records.case.schema import CASE_SCHEMA
from tongpin.records.intake.load import CASES, DECISIONS, INSTITUTIONS, KEYS, WITHDRAWALS, load_files
from tongpin.records.readers.own_layouts import layout_schema
from tongpin.store import lake
from tongpin.store.home import Home

HOSPITAL = "H32000000001"


def a_list(case_id: str, fee: int, settled: date, accepted: date, **more: Any) -> dict[str, Any]:
    """A pneumonia of a man of 60: fee in yuan, half of it paid by the pool."""
    return {
        "source": "settlement_list",
        "case_id": case_id,
        "institution_code": HOSPITAL,
        "sex": 1,
        "age": 60,
        "discharge_time": datetime(settled.year, settled.month, settled.day, 10),  # noqa: DTZ001
        "settlement_date": settled,
        "accepted_date": accepted,
        "los": 8,
        "dx": ["J18.900"],
        "px": [],
        "insurance": "310",
        "care_type": "inpatient",
        "total_fee_fen": fee * 100,
        "patient_pay_fen": fee * 50,
        "pool_pay_fen": fee * 50,
        "other_fund_pay_fen": 0,
        **more,
    }


def keep(home: Home, *cases: dict[str, Any]) -> None:
    plain = pa.schema([f if not pa.types.is_list(f.type) else f.with_type(pa.list_(pa.string())) for f in CASE_SCHEMA])
    lake.upsert(home, CASES, pa.Table.from_pylist(list(cases), schema=plain), KEYS[CASES])


def withdraw(home: Home, setl_id: str, day: date, successor: str) -> None:
    row = {
        "institution_code": HOSPITAL,
        "setl_id": setl_id,
        "withdrawn_date": day,
        "successor_setl_id": successor,
    }
    table = pa.Table.from_pylist([row], schema=layout_schema("withdrawal"))
    lake.upsert(home, WITHDRAWALS, table, KEYS[WITHDRAWALS])


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home.open(tmp_path / "home")
    row = {
        "institution_code": HOSPITAL,
        "institution_name": "示例医院",
        "settlement_level": "三级",
        "grade": "三甲",
        "valid_from": date(2020, 1, 1),
    }
    table = pa.Table.from_pylist([row], schema=layout_schema("institution"))
    lake.upsert(home, INSTITUTIONS, table, KEYS[INSTITUTIONS])
    keep(
        home,
        a_list("M1", 6000, date(2025, 5, 20), date(2025, 5, 25)),
        a_list("M2", 7000, date(2025, 5, 21), date(2025, 6, 25)),  # accepted after the cutoff of May
        a_list("J1", 6500, date(2025, 6, 3), date(2025, 6, 8)),
    )
    return home


def kinds(home: Home, month: str) -> dict[str, str]:
    lines = settle_in_home(home, month).settlement.lines
    return dict(zip(lines["case_id"].to_pylist(), lines["line_kind"].to_pylist(), strict=True))


def test_a_late_list_is_paid_in_the_first_open_month(home: Home) -> None:
    assert kinds(home, "2025-05") == {"M1": "regular"}
    assert kinds(home, "2025-06") == {"J1": "regular", "M2": "late"}


def test_a_closed_month_is_shown_again_as_it_was_frozen(home: Home) -> None:
    first = settle_in_home(home, "2025-05")
    keep(home, a_list("M3", 9000, date(2025, 5, 22), date(2025, 5, 25)))
    again = settle_in_home(home, "2025-05")
    assert (first.was_closed, again.was_closed) == (False, True)
    assert again.settlement.digest == first.settlement.digest
    assert again.settlement.statement.equals(first.settlement.statement)
    assert kinds(home, "2025-06")["M3"] == "late"


def test_a_withdrawal_reverses_the_frozen_amount_and_pays_the_successor(home: Home) -> None:
    settle_in_home(home, "2025-05")
    keep(home, a_list("M1-2", 5000, date(2025, 6, 10), date(2025, 6, 12)))
    withdraw(home, "M1", date(2025, 6, 9), "M1-2")
    assert kinds(home, "2025-06") == {"J1": "regular", "M2": "late", "M1": "reversal", "M1-2": "replacement"}
    lines = posted_lines(home, "M1")
    assert sum(lines["pool_payable_fen"].to_pylist()) == 0
    assert lines["period"].to_pylist() == ["2025-05", "2025-06"]


def test_a_run_killed_before_its_last_write_leaves_nothing_in_force(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(lake, "append", killed)
        patch.setattr(
            lake, "replace", lambda home, name, table, *_: None if name == STATEMENTS else keep_lines(home, table)
        )
        with pytest.raises(KeyboardInterrupt):
            settle_in_home(home, "2025-05")
    assert lake.exists(home, LINES)
    assert kinds(home, "2025-05") == {"M1": "regular"}
    assert posted_lines(home, "M1").num_rows == 1


def keep_lines(home: Home, lines: pa.Table) -> None:
    from deltalake import write_deltalake

    home.lake.mkdir(parents=True, exist_ok=True)
    write_deltalake(str(home.lake / LINES), lake._for_delta(lines), mode="append")


def test_what_a_killed_run_left_is_not_shown_as_posted(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    settle_in_home(home, "2025-05")
    with monkeypatch.context() as patch:
        patch.setattr(lake, "append", killed)
        with pytest.raises(KeyboardInterrupt):
            settle_in_home(home, "2025-06")
    assert lake.read(home, LINES).num_rows == 3
    assert posted_lines(home, "J1").num_rows == 0
    assert posted_lines(home, "M1").num_rows == 1


def test_a_newer_version_of_a_posted_list_changes_nothing_but_is_told(home: Home) -> None:
    settle_in_home(home, "2025-05")
    keep(home, a_list("M1", 5999, date(2025, 5, 20), date(2025, 5, 25)))
    june = settle_in_home(home, "2025-06").settlement
    assert [note for note in june.notes if note.startswith("1 份已入账的清单后来有了金额、病组或付费方式不同的新版本")]
    assert posted_lines(home, "M1")["total_fee_fen"].to_pylist() == [600_000]


def test_another_diagnosis_of_a_posted_list_is_told_an_unchanged_or_withdrawn_list_is_not(home: Home) -> None:
    settle_in_home(home, "2025-05")
    settle_in_home(home, "2025-06")

    def notes_of(month: int) -> tuple[str, ...]:
        day = date(2025, month, 3)
        keep(home, a_list(f"N{month}", 6000, day, day))
        return settle_in_home(home, f"2025-{month:02}").settlement.notes

    assert notes_of(7) == ()
    keep(home, a_list("M1", 6000, date(2025, 5, 20), date(2025, 5, 25), dx=["I63.900"]))
    assert len(notes_of(8)) == 1
    withdraw(home, "M1", date(2025, 9, 9), "M1-2")
    notes_of(9)
    assert notes_of(10) == ()


def test_lists_older_than_the_policy_are_left_with_a_note(home: Home) -> None:
    keep(home, a_list("OLD", 3000, date(2019, 3, 2), date(2019, 3, 5)))
    may = settle_in_home(home, "2025-05").settlement
    assert may.lines["case_id"].to_pylist() == ["M1"]
    assert may.notes == ("1 份清单早于付费办法的第一个生效日 2024-01-01，没有费率，不入账",)


def test_a_month_before_the_policy_is_refused(home: Home) -> None:
    keep(home, a_list("OLD", 3000, date(2019, 3, 2), date(2019, 3, 5)))
    with pytest.raises(PolicyError, match="没有在 2019-03 有效的付费办法"):
        settle_in_home(home, "2019-03")
    assert not lake.exists(home, LINES)


def test_a_month_in_which_nothing_is_due_is_refused_and_stays_open(home: Home) -> None:
    for month in ("2025-05", "2025-06"):
        settle_in_home(home, month)
    with pytest.raises(StoreError, match="2025-07 没有可入账的清单"):
        settle_in_home(home, "2025-07")
    keep(home, a_list("X1", 6000, date(2025, 7, 3), date(2025, 7, 5)))
    assert kinds(home, "2025-07") == {"X1": "regular"}


def test_a_month_before_every_list_is_refused_though_later_ones_are_closed(home: Home) -> None:
    settle_in_home(home, "2025-05")
    with pytest.raises(StoreError, match="2025-03 没有可入账的清单"):
        settle_in_home(home, "2025-03")


def test_decisions_of_other_kinds_lower_no_transfer(home: Home) -> None:
    one = {"institution_code": HOSPITAL, "fund": "310", "month": "2025-06", "decided_date": date(2025, 7, 3)}
    decisions = [
        one | {"kind": "penalty", "amount_fen": 12_345},
        one | {"kind": "score", "value": Decimal("92.5"), "year": 2025},
        one | {"kind": "inspection_finding", "amount_fen": 99_900},
    ]
    table = pa.Table.from_pylist(decisions, schema=layout_schema("decision"))
    lake.upsert(home, DECISIONS, table, KEYS[DECISIONS])
    statement = settle_in_home(home, "2025-06", draft=True).settlement.statement
    assert sum(statement["penalty_fen"].to_pylist()) == 12_345
    claims = [f"{kind}_fen" for kind in ("audit_deduction", "prepay_offset", "direct_drug")]
    assert [sum(statement[name].to_pylist()) for name in claims] == [0, 0, 0]


def test_a_draft_closes_nothing(home: Home) -> None:
    draft = settle_in_home(home, "2025-05", draft=True)
    keep(home, a_list("M3", 9000, date(2025, 5, 22), date(2025, 5, 25)))
    closed = settle_in_home(home, "2025-05")
    assert (draft.was_closed, closed.was_closed) == (False, False)
    assert (draft.settlement.lines.num_rows, closed.settlement.lines.num_rows) == (1, 2)


def own_policy(home: Home, name: str, *changes: tuple[str, str]) -> None:
    """The shipped edition under another name in the home, with words changed."""
    shipped = policy_folders(home)["demo-east/2025"]
    folder = home.policies / name
    shutil.copytree(shipped, folder)
    text = (folder / "policy.yaml").read_text(encoding="utf-8")
    for old, new in (("id: demo-east/2025", f"id: {name}"), *changes):
        assert old in text
        text = text.replace(old, new)
    (folder / "policy.yaml").write_text(text, encoding="utf-8")


def test_a_home_settles_one_area(home: Home) -> None:
    settle_in_home(home, "2025-05")
    own_policy(home, "elsewhere/2025")
    for month in ("2025-05", "2025-06"):
        with pytest.raises(PolicyError, match="已按统筹区 demo-east 关账"):
            settle_in_home(home, month, "elsewhere")
    assert settle_in_home(home, "2025-06").manifest["area"] == "demo-east"


def test_a_reprint_says_what_was_true_at_the_close(home: Home) -> None:
    settle_in_home(home, "2025-05")
    own_policy(home, "demo-east/2025", ("label: 示例市 2025 年", "label: 改过的"))
    again = settle_in_home(home, "2025-05")
    assert again.manifest["policy_label"].startswith("示例市 2025 年")
    assert not any("改过的" in line for line in statement_basis(again.manifest))
    with pytest.raises(PolicyError, match="后来改过"):
        policy_at_close(home, again.manifest)


def test_the_edition_is_the_one_whose_values_have_begun(home: Home) -> None:
    own_policy(home, "demo-east/2026", ("2025-01-01:", "2026-01-01:"), ("2024-01-01:", "2025-12-01:"))
    assert open_policy(home, "demo-east", "2025-06").id == "demo-east/2025"
    assert open_policy(home, "demo-east", "2025-12").id == "demo-east/2026"


def test_an_edition_whose_id_contradicts_its_folder_is_refused(home: Home) -> None:
    own_policy(home, "x/2025", ("id: x/2025", "id: y/2025"))
    with pytest.raises(PolicyError, match="文件夹是 x/2025"):
        open_policy(home, "x", "2025-06")


def test_two_writers_at_once_are_one_too_many(home: Home) -> None:
    with home.locked(), pytest.raises(StoreError, match="另一个同频命令"):
        settle_in_home(home, "2025-05")
    assert not settle_in_home(home, "2025-05").was_closed


def test_a_report_closes_nothing(home: Home) -> None:
    with pytest.raises(StoreError, match="2025-05 还没有月结"):
        closed_run(home, "2025-05")
    settle_in_home(home, "2025-05")
    assert closed_run(home, "2025-05").was_closed


def test_a_changed_store_is_noticed(home: Home) -> None:
    settle_in_home(home, "2025-05")
    settled = lake.read(home, LINES)
    place = settled.column_names.index("doctor_code")
    lake.replace(home, LINES, settled.set_column(place, "doctor_code", pa.array(["X"])), "period", "2025-05")
    with pytest.raises(StoreError, match="摘要不符"):
        settle_in_home(home, "2025-05")


def test_a_hospital_without_level_stops_the_whole_month(home: Home) -> None:
    keep(home, a_list("Z1", 100, date(2025, 5, 2), date(2025, 5, 3), institution_code="UNKNOWN"))
    with pytest.raises(PolicyError, match="UNKNOWN"):
        settle_in_home(home, "2025-05")
    assert not lake.exists(home, LINES)


def test_the_same_file_twice_and_a_file_in_two_copies(tmp_path: Path) -> None:
    home = Home.open(tmp_path / "home")
    text = "case_id,sex,age,dx\n1,1,60,I63.900\n2,2,61,I63.900\n"
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text(text, encoding="utf-8")
    report = load_files(home, [tmp_path / "a.csv", tmp_path / "b.csv"])
    assert report.new["plain"] == 2
    assert [(f.rule_id, f.file) for f in report.findings if f.record] == [("REC-P002", "b.csv"), ("REC-P002", "b.csv")]
    assert load_files(home, [tmp_path / "a.csv"]).unchanged["plain"] == 2


def test_interim_bills_are_found_again_by_any_of_their_ids(home: Home) -> None:
    for number, day in enumerate((date(2025, 5, 10), date(2025, 5, 28)), start=1):
        details = {"mdtrt_id": "STAY", "admission_time": datetime(2025, 5, 2), "px": [f"px{number}"]}  # noqa: DTZ001
        keep(home, a_list(f"I{number}", 3000 * number, day, day, **details))
    may = settle_in_home(home, "2025-05")
    assert may.settlement.lines["case_id"].to_pylist() == ["I2", "M1"]
    for asked in ("I1", "I2"):
        (line,) = posted_lines(home, asked).to_pylist()
        assert (line["case_id"], line["merged_case_ids"], line["total_fee_fen"]) == ("I2", ["I1", "I2"], 900_000)
        (case,) = line_case(home, line).to_pylist()
        assert (case["px"], case["los"], case["code_version"]) == (["px2", "px1"], 26, "insurance")
    assert posted_lines(home, "I").num_rows == 0, "a part of an id is no id"
    again = settle_in_home(home, "2025-05")
    assert (again.was_closed, again.settlement.digest) == (True, may.settlement.digest)
    assert any(line.startswith("采集口径：示例市采集口径") for line in statement_basis(may.manifest))
