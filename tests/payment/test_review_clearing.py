"""From the result to the clearing line and the publication: the right amount, once, and nobody's name."""

from __future__ import annotations

from datetime import date
from itertools import pairwise

import openpyxl
import pyarrow as pa
import pytest
from clearing_cases import lines_of, ruling, statements_of
from hypothesis import given, settings
from hypothesis import strategies as st
from payment_cases import fen
from review_cases import FILED, applied, close_months, posted, small_home, voted, with_panel

from tongpin.base.errors import BalanceError, PolicyError
from tongpin.payment.month.closed import posted as posted_of
from tongpin.payment.review.account import Application, Event, read_events
from tongpin.payment.review.apply import withdraw
from tongpin.payment.review.lines import grounds
from tongpin.payment.review.panel import add_experts, assign, decide
from tongpin.payment.review.papers import write_publication_pdf, write_publication_xlsx
from tongpin.payment.review.publication import publish, quarter_days, quarter_rows, total_of
from tongpin.payment.review.quota import quota_of
from tongpin.payment.review.rulings import decisions
from tongpin.payment.year.clear import clear_year
from tongpin.payment.year.rulings import RULING_SCHEMA, as_rulings, read_rulings
from tongpin.payment.year.run import clear_in_home
from tongpin.records.readers.own_layouts import layout_schema

AGREE, REFUSE = ("agree", None), ("refuse", None)


def decided(home, list_id, criterion, *votes):
    one = with_panel(home, list_id, criterion)
    voted(home, one, *votes)
    return decide(home, one.id, "纪要", FILED, document="示例〔2025〕3号")


def cleared(home):
    rulings = read_rulings(as_rulings(decisions(home, "test", 2025)), 2025)
    lines = posted_of(home, "test")
    return clear_year(2025, lines, statements_of(lines), rulings, grounds(home, "test")[2025].policy)


def due(clearing) -> dict[str, int]:
    return dict(
        zip(clearing.places["institution_code"].to_pylist(), clearing.places["decided_fen"].to_pylist(), strict=True)
    )


def test_an_approved_case_changes_the_clearing_by_its_amount_and_a_refused_one_does_not(tmp_path):
    home = small_home(tmp_path)
    before = cleared(home)
    assert due(before) == {"H2": 0, "H3": 0}
    decided(home, "dear", "fee_standard", AGREE, AGREE, REFUSE)
    decided(home, "long", "stay_days", AGREE, REFUSE, REFUSE)
    after = cleared(home)
    assert due(after) == {"H2": 0, "H3": fen(4_000)}, "by item 5,000 instead of the standard of 1,000"
    assert after.changed.select(["case_id", "posted_fen", "cleared_fen"]).to_pylist() == [
        {"case_id": "dear", "posted_fen": fen(900), "cleared_fen": fen(4_900)}
    ]
    sums = [sum(one.places["due_fen"].to_pylist()) for one in (before, after)]
    assert sums[1] - sums[0] == fen(4_000)


def test_a_part_is_paid_as_decided_where_the_edition_pays_by_item(tmp_path):
    home = small_home(tmp_path)
    parts = [("partial", fen(amount)) for amount in (2_500, 3_000, 4_000)]
    assert decided(home, "dear", "fee_standard", *parts).state == "部分同意"
    assert due(cleared(home))["H3"] == fen(2_000), "the median of 3,000 instead of 1,000"


def test_the_share_of_an_edition_is_paid(tmp_path):
    home = small_home(tmp_path, special__pay="decided", review__amount="share", review__share=0.6)
    decided(home, "dear", "fee_standard", AGREE, AGREE, AGREE)
    assert due(cleared(home))["H3"] == fen(0.6 * 4_000)


def test_beyond_the_quota_the_dearer_comes_first(tmp_path):
    home = small_home(tmp_path, special__quota_ratio=0.05)
    add_experts(home, home.root / "experts.csv", FILED)
    for list_id, criterion in (("long", "stay_days"), ("dear", "fee_standard")):  # both filed before the first result
        applied(home, list_id, criterion)
    for one in assign(home, "test", FILED):
        voted(home, one, AGREE, AGREE, AGREE)
        decide(home, one.id, "纪要", FILED)
    found = cleared(home)
    assert found.changed["case_id"].to_pylist() == ["dear"], "one of 20 cases"
    assert any("1 例特例单议超出例数上限" in note for note in found.notes)


@pytest.mark.parametrize("rounding", ["floor", "nearest", "ceiling"])
@pytest.mark.parametrize(
    ("base", "scope"), [("drg", "hospital"), ("all", "hospital"), ("drg", "fund"), ("all", "fund")]
)
def test_the_quota_is_that_of_the_clearing(tmp_path, rounding, base, scope):
    values = {"special__quota_rounding": rounding, "special__quota_base": base, "special__quota_scope": scope}
    home = small_home(tmp_path, special__quota_ratio=0.1367, **values)
    more = [posted(f"r{number}", 1_000, fund="390", month="2025-07", los=1) for number in range(9)]
    close_months(home, lines_of(*more, posted("item", 900, pay_scope="BY_ITEM", month="2025-07")), ["2025-07"])
    ground = grounds(home, "test")[2025]
    lines = posted_of(home, "test")
    own = [row for row in ground.lines.to_pylist() if row["institution_code"] == "H3" and row["pay_scope"] == "DRG"]
    asked = [
        ruling("special_case", setl_id=row["case_id"], result="按决定金额付费", amount_fen=fen(9_999)) for row in own
    ]
    rulings = read_rulings(as_rulings(pa.Table.from_pylist(asked, schema=RULING_SCHEMA)), 2025)
    kept = clear_year(2025, lines, statements_of(lines), rulings, ground.policy).changed
    for fund in ("310", "390"):
        paid = kept.num_rows if scope == "hospital" else kept["fund"].to_pylist().count(fund)
        assert quota_of(ground, "H3", fund, []).limit == paid


def test_rows_are_of_the_decision_layout_and_only_of_decided_cases(tmp_path):
    home = small_home(tmp_path)
    assert decisions(home, "test", 2025).num_rows == 0
    decided(home, "dear", "fee_standard", AGREE, AGREE, REFUSE)
    taken = applied(home, "long", "stay_days")
    withdraw(home, taken.id, "撤回", FILED)
    found = decisions(home, "test", 2025)
    assert found.schema == layout_schema("decision")
    (row,) = found.to_pylist()
    assert (row["institution_code"], row["setl_id"], row["result"]) == ("H3", "dear", "按项目付费")
    assert (row["kind"], row["amount_fen"], row["document"]) == ("special_case", fen(5_000), "示例〔2025〕3号")
    assert decisions(home, "test", 2026).num_rows == 0
    assert decisions(home, "elsewhere", 2025).num_rows == 0


def test_the_clearing_of_a_home_reads_them(tmp_path):
    home = small_home(tmp_path)
    decided(home, "dear", "fee_standard", AGREE, AGREE, REFUSE)
    places = clear_in_home(home, 2025, draft=True).clearing.places
    assert sum(places["decided_fen"].to_pylist()) == fen(4_000)


def test_a_quarter_is_published_once_with_what_happened_in_it(tmp_path):
    home = small_home(tmp_path)
    decided(home, "dear", "fee_standard", AGREE, AGREE, REFUSE)
    decided(home, "long", "stay_days", REFUSE, REFUSE, REFUSE)
    applied(home, "icu", "icu_hours")
    with pytest.raises(PolicyError, match="才结束"):
        publish(home, "2025Q3", date(2025, 9, 30))
    draft = publish(home, "2025Q3", FILED, draft=True)
    first = publish(home, "2025Q3", date(2025, 10, 9))
    assert (draft.rows, draft.draft, first.draft) == (first.rows, True, False)
    (row,) = first.rows
    counts = [
        row[name] for name in ("before", "applied", "withdrawn", "decided", "agree", "partial", "refuse", "pending")
    ]
    assert counts == [0, 3, 0, 2, 1, 0, 1, 1]
    assert (row["gross_fen"], row["amount_fen"], row["added_fen"]) == (fen(1_000), fen(5_000), fen(4_000))
    withdraw(home, "2025-0003", "撤回", date(2025, 10, 10))
    again = publish(home, "2025Q3", date(2025, 12, 1))
    assert (again.was_published, again.on, again.rows, again.digest) == (
        True,
        date(2025, 10, 9),
        first.rows,
        first.digest,
    )
    later = publish(home, "2025Q4", date(2026, 1, 5))
    assert (later.total["before"], later.total["withdrawn"], later.total["pending"]) == (1, 1, 0)


def test_a_published_quarter_takes_nothing_more(tmp_path):
    home = small_home(tmp_path, review__deadline_days=300)
    applied(home)
    publish(home, "2025Q3", date(2025, 10, 9))
    with pytest.raises(PolicyError, match="已经公示"):
        applied(home, "long", "stay_days", on=date(2025, 9, 30))
    assert applied(home, "long", "stay_days", on=date(2025, 10, 10)).state == "已申报"


def test_an_empty_quarter_and_a_wrong_name_are_refused(tmp_path):
    home = small_home(tmp_path)
    with pytest.raises(PolicyError, match="没有特例单议"):
        publish(home, "2025Q3", date(2025, 10, 9))
    with pytest.raises(PolicyError, match="写成 2025Q1"):
        publish(home, "2025-3", date(2025, 10, 9))


def test_the_publication_names_hospitals_and_nobody_else(tmp_path):
    home = small_home(tmp_path)
    decided(home, "dear", "fee_standard", AGREE, AGREE, REFUSE)
    found = publish(home, "2025Q3", date(2025, 10, 9))
    write_publication_xlsx(found, tmp_path / "p.xlsx", ["模拟"])
    write_publication_pdf(found, tmp_path / "p.pdf", ["模拟"])
    cells = [cell.value for row in openpyxl.load_workbook(tmp_path / "p.xlsx").active.rows for cell in row]
    assert {"医院H3", "合计", 4_000, "模拟"} <= set(cells)
    text = "\n".join(str(cell) for cell in cells)
    assert [word for word in ("dear", "I21", "赵医师", "2025-0001") if word in text] == []
    assert (tmp_path / "p.pdf").read_bytes().startswith(b"%PDF")


def test_figures_that_do_not_add_up_stop_the_publication(tmp_path):
    home = small_home(tmp_path)
    decided(home, "dear", "fee_standard", AGREE, AGREE, REFUSE)
    (row,) = publish(home, "2025Q3", FILED, draft=True).rows
    with pytest.raises(BalanceError, match=r"review\.amount"):
        total_of([row | {"added_fen": 1}])
    with pytest.raises(BalanceError, match=r"review\.count"):
        total_of([row | {"pending": 1}])


DAYS = st.dates(date(2025, 1, 1), date(2026, 12, 31))


@st.composite
def an_application(draw, number: int = 0) -> Application:
    filed = draw(DAYS)
    end = draw(st.sampled_from(["open", "withdrawn", "agree", "partial", "refuse"]))
    day = draw(st.dates(filed, date(2027, 3, 1)))
    gross = draw(st.integers(0, 10**8))
    amount = gross + draw(st.integers(1, 10**8))
    code = draw(st.sampled_from(["H1", "H2", "H3"]))
    figures = {"total_fee_fen": amount, "gross_fen": gross}
    body = {"institution_code": code, "institution_name": code, "figures": figures}
    event = Event(1, "a", end, "x", "", "", day, {"outcome": end, "amount_fen": None if end == "refuse" else amount})
    return Application(
        str(number),
        "a",
        filed,
        "",
        body,
        withdrawn=event if end == "withdrawn" else None,
        decided=event if end in {"agree", "partial", "refuse"} else None,
    )


@settings(max_examples=60)
@given(known=st.lists(an_application(), max_size=12))
def test_over_all_quarters_every_application_is_counted_once_and_no_fen_is_lost(known):
    quarters = [f"{year}Q{number}" for year in (2025, 2026, 2027) for number in (1, 2, 3, 4)]
    totals = [total_of(quarter_rows(known, *quarter_days(quarter))) for quarter in quarters]
    assert sum(one["applied"] for one in totals) == len(known)
    assert sum(one["withdrawn"] + one["decided"] for one in totals) == sum(not one.is_open for one in known)
    for before, after in pairwise(totals):
        assert before["pending"] == after["before"]
    approved = [one for one in known if one.is_approved]
    added = sum(one.decided.body["amount_fen"] - one.body["figures"]["gross_fen"] for one in approved)
    assert sum(one["added_fen"] for one in totals) == added


def test_the_account_only_grows(tmp_path):
    home = small_home(tmp_path)
    seen = []
    for step in (
        lambda: with_panel(home),
        lambda: voted(home, with_panel(home, "long", "stay_days"), AGREE, AGREE, AGREE),
        lambda: decide(home, "2025-0002", "纪要", FILED),
        lambda: withdraw(home, "2025-0001", "撤回", FILED),
    ):
        step()
        events = read_events(home)
        assert events[: len(seen)] == seen
        assert [one.number for one in events] == list(range(1, len(events) + 1))
        assert all(one.role in {"hospital", "agency", "expert"} for one in events)
        seen = events
