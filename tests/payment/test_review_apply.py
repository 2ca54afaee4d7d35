"""Applications: filed once, within quota and time, with reasons that an expert may read; withdrawn ones stay."""

from __future__ import annotations

import csv
import hashlib
from datetime import date
from importlib.resources import files

import pyarrow as pa
import pytest
from clearing_cases import line, lines_of
from payment_cases import fen
from review_cases import FILED, applied, close_months, keep, posted, small_home, with_panel

from tongpin.base.errors import PolicyError, StoreError
from tongpin.payment.review.account import applications, read_events
from tongpin.payment.review.apply import withdraw
from tongpin.payment.review.criteria import Item
from tongpin.payment.review.quota import DEVIATIONS, REFUSED_ELSEWHERE
from tongpin.records.intake.lake_tables import DECISIONS, KEYS, SEALED
from tongpin.records.readers.own_layouts import layout_schema
from tongpin.store import lake, seal
from tongpin.store.home import Home


def refused(code: str, home: Home, *arguments: str, **more: object) -> PolicyError:
    with pytest.raises(PolicyError) as caught:
        applied(home, *arguments, **more)
    assert caught.value.code == code
    assert caught.value.hint
    return caught.value


@pytest.fixture
def home(tmp_path) -> Home:
    return small_home(tmp_path)


def test_an_application_freezes_its_figures_and_its_evidence(home, tmp_path):
    evidence = tmp_path / "病程.pdf"
    evidence.write_bytes(b"evidence")
    one = applied(home, attachments=[evidence], actor="H3-01")
    assert (one.id, one.state, one.actor, one.filed) == ("2025-0001", "已申报", "H3-01", FILED)
    assert one.body["attachments"][0]["name"] == "病程.pdf"
    assert one.body["attachments"][0]["sha256"] == hashlib.sha256(b"evidence").hexdigest()
    assert one.body["figures"]["total_fee_fen"] == fen(5_000)
    assert one.body["pay"]["amount_fen"] == fen(5_000)
    assert one.body["clinical"] == {"diagnoses": ["I21.000"], "procedures": ["36.0600"]}
    assert one.body["quota"]["left"] == 2


def test_what_is_not_eligible_is_refused_with_its_figures(home):
    error = refused("review.criteria", home, "n00")
    assert "费用 1,000.00 元，须超过支付标准的 2 倍 = 2,000.00 元：不符合" in error.message
    refused("review.criterion", home, "dear", "beauty")
    refused("review.criterion", home, "dear", "fee_mean")  # known, but not of this edition
    refused("review.list", home, "nobody")
    refused("review.gain", home, "n00", "other")


def test_a_list_is_applied_for_once_and_again_after_a_withdrawal(home):
    first = applied(home)
    assert "2025-0001，已申报" in refused("review.twice", home).message
    withdraw(home, first.id, "材料不全", FILED)
    again = applied(home)
    assert again.id == "2025-0002"
    known = applications(read_events(home))
    assert [one.state for one in known.values()] == ["已撤回", "已申报"], "what was withdrawn stays visible"
    with pytest.raises(PolicyError, match=r"review\.closed"):
        withdraw(home, first.id, "再撤", FILED)


def test_a_list_that_was_decided_elsewhere_is_refused(home):
    row = {"institution_code": "H3", "kind": "special_case", "setl_id": "dear", "result": "不同意"}
    row |= {"decided_date": date(2025, 7, 1)}
    lake.upsert(home, DECISIONS, pa.Table.from_pylist([row], schema=layout_schema("decision")), KEYS[DECISIONS])
    assert "决定表" in refused("review.twice", home).message


def test_results_are_read_as_the_clearing_reads_them():
    text = (files("tongpin.payment.year") / "rulings.csv").read_text(encoding="utf-8")
    rows = [row for row in csv.DictReader(text.splitlines()) if row["kind"] == "special_case"]
    assert {row["result"] for row in rows if row["outcome"] == "rejected"} == set(REFUSED_ELSEWHERE)
    assert {row["result"] for row in rows if row["outcome"] == "deviation"} == set(DEVIATIONS)


def test_after_the_deadline_it_is_too_late(home):
    assert applied(home, on=date(2025, 7, 30)).id == "2025-0001"
    assert "已过 1 天" in refused("review.deadline", home, "long", "stay_days", on=date(2025, 7, 31)).message


def test_the_quota_counts_applications_or_approvals(tmp_path):
    home = small_home(tmp_path / "a", special__quota_counts="applied", special__quota_ratio=0.05)
    first = applied(home)
    assert "= 1 例；已申请 1 例，余 0 例" in refused("review.quota", home, "long", "stay_days").message
    withdraw(home, first.id, "让出名额", FILED)
    assert applied(home, "long", "stay_days").id == "2025-0002", "what is withdrawn uses up nothing"
    home = small_home(tmp_path / "b", special__quota_ratio=0.05)
    applied(home)
    assert applied(home, "long", "stay_days").id == "2025-0002", "only approvals count"


def test_the_quota_may_be_of_each_fund(tmp_path):
    home = Home.open(tmp_path)
    small_home(tmp_path, special__quota_counts="applied", special__quota_ratio=0.05, special__quota_scope="fund")
    july = [posted(f"r{number}", 1_000, fund="390", month="2025-07") for number in range(20)]
    close_months(home, lines_of(*july, posted("r", 5_000, fund="390", month="2025-07")), ["2025-07"])
    keep(home, {"case_id": "r"})
    applied(home)
    refused("review.quota", home, "long", "stay_days")
    assert applied(home, "r").body["quota"]["fund"] == "390"


def test_a_reason_names_nobody(home):
    assert "赵医师" in refused("review.identity", home, reason="赵医师抢救").message
    assert "医院H3" in refused("review.identity", home, reason="医院H3 重症医学科抢救").message
    refused("review.identity", home, reason="抢救", item=Item("X", "赵医师的器械", "drug", fen(100)))
    refused("review.reason", home, reason="  ")
    assert applied(home, reason="我院抢救该患者 72 小时").state == "已申报"


def test_a_reason_does_not_name_the_patient(home):
    person = pa.table({"psn_name": ["钱某某"], "certno": ["320000190001010000"]})
    (home.root / "patient.key").write_text("ab" * 32, encoding="utf-8")
    keep(home, {"case_id": "dear", SEALED: seal.seal(person, home.patient_key())[0].as_py()})
    error = refused("review.identity", home, reason="钱某某病情危重")
    assert "钱某某" not in error.message, "the refusal does not repeat the name"
    assert applied(home, reason="病情危重").id == "2025-0001"


def test_evidence_must_be_readable(home, tmp_path):
    assert "没有这个文件" in refused("review.evidence", home, attachments=[tmp_path / "none.pdf"]).message


def test_new_technology_names_its_item(home):
    refused("review.item", home, "dear", "technology")
    refused("review.item", home, "dear", "technology", item=Item("X", "", "robot", fen(100)))
    refused("review.item", home, "dear", "technology", item=Item("X", "", "drug", fen(1_501)))  # drugs are 1,500
    refused("review.criteria", home, "dear", "technology", item=Item("X", "", "drug", fen(1_500)))


def test_only_lists_paid_by_their_group_are_reviewed(home):
    close_months(home, lines_of(posted("item", 5_000, pay_scope="BY_ITEM", month="2025-07")), ["2025-07"])
    refused("review.scope", home, "item", "other")


def test_a_number_that_several_hospitals_use_needs_the_hospital(home):
    close_months(home, lines_of(posted("dear", 5_000, hospital="H2", month="2025-07")), ["2025-07"])
    assert "H2、H3" in refused("review.list", home).message
    assert applied(home, institution="H3").body["institution_code"] == "H3"


def test_a_home_without_closed_months_has_nothing_to_review(tmp_path):
    with pytest.raises(StoreError, match=r"review\.open"):
        applied(Home.open(tmp_path))


def test_nothing_is_written_when_an_application_is_refused(home):
    refused("review.criteria", home, "n00")
    assert read_events(home) == []


def test_a_step_is_not_dated_before_the_last(home):
    one = with_panel(home)
    with pytest.raises(PolicyError, match=r"review\.day"):
        withdraw(home, one.id, "早了", date(2025, 7, 1))


def test_lines_of_the_next_year_belong_to_its_quota(home):
    rows = [line(f"x{number}", 900, month="2026-01", patient=100, drg="AA11D", los=1) for number in range(10)]
    close_months(home, lines_of(*rows, posted("new", 5_000, month="2026-01")), ["2026-01"])
    keep(home, {"case_id": "new"})
    one = applied(home, "new", on=date(2026, 2, 1))
    assert (one.id, one.body["year"], one.body["quota"]["cases"]) == ("2026-0001", 2026, 11)
