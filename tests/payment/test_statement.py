"""A month: what is posted, what the statement says, and that both agree to the fen."""

from __future__ import annotations

from datetime import date

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from payment_cases import case, decisions, fen, make_policy, settle, withdrawals

from tongpin.base.errors import BalanceError, PolicyError
from tongpin.payment.explain import explain_case
from tongpin.payment.month.posting import AMOUNTS, LINE_SCHEMA
from tongpin.payment.month.statement import STATEMENT_SCHEMA, check_month
from tongpin.payment.month.statement_columns import statement_columns


@pytest.fixture(scope="session")
def policy(tmp_path_factory):
    return make_policy(tmp_path_factory.mktemp("policy"))


def row_of(settlement, fund="310"):
    (row,) = [row for row in settlement.statement.to_pylist() if row["fund"] == fund]
    return row


def kinds(settlement):
    return {
        row["case_id"]: (row["line_kind"], row["original_period"], row["pool_payable_fen"] // 100)
        for row in settlement.lines.to_pylist()
    }


JUNE, AUGUST = "2025-06", "2025-08"
OLD = case("old", 9_500, 3_000, settled=date(2025, 6, 20))
NEW = case("new", 9_500, 3_000, drg="CC11D", settled=date(2025, 8, 5))
EXCHANGE = withdrawals(("old", date(2025, 8, 5), "new"))


def test_a_withdrawn_list_leaves_the_closed_month_alone_tv_p3(tmp_path):
    policy = make_policy(tmp_path, {"rate.basic_group": 1_800_000, "rate.tier_budget": 13_600_000_000})
    june = settle(policy, JUNE, [OLD], gone=EXCHANGE)
    assert kinds(june) == {"old": ("regular", "2025-06", 7_000)}
    july = settle(policy, "2025-07", [], posted=june.lines, gone=EXCHANGE, closed={JUNE})
    assert july.lines.num_rows == 0
    august = settle(policy, AUGUST, [NEW], posted=june.lines, gone=EXCHANGE, closed={JUNE, "2025-07"})
    assert kinds(august) == {"old": ("reversal", "2025-06", -7_000), "new": ("replacement", "2025-06", 6_000)}
    year = [*june.lines["pool_payable_fen"].to_pylist(), *august.lines["pool_payable_fen"].to_pylist()]
    assert sum(year) == fen(6_000)

    row = row_of(august)
    assert (row["reversal_cases"], row["replacement_cases"], row["cases"]) == (1, 1, 0)
    assert (row["reversal_pool_payable_fen"], row["replacement_pool_payable_fen"]) == (fen(-7_000), fen(6_000))
    assert row["month_pool_payable_fen"] == fen(-1_000)
    assert row["cash_transfer_fen"] == fen(-970), "the red line takes its deposit back with it"
    assert august.notes == ("1 个机构的一项基金应拨为负，按托收处理",)

    september = settle(
        policy,
        "2025-09",
        [],
        posted=pa.concat_tables([june.lines, august.lines]),
        gone=EXCHANGE,
        closed={JUNE, "2025-07", AUGUST},
    )
    assert september.lines.num_rows == 0, "a red line is written once"


def test_a_red_line_is_the_frozen_line_negated_even_after_the_policy_changed(policy, tmp_path):
    june = settle(policy, JUNE, [OLD])
    dearer = make_policy(tmp_path, {"coefficient.product": 2})
    august = settle(dearer, AUGUST, [], posted=june.lines, gone=EXCHANGE, closed={JUNE})
    for name in AMOUNTS:
        frozen, red = june.lines[name][0].as_py(), august.lines[name][0].as_py()
        assert (frozen, red) == (None, None) or frozen + red == 0, name
    assert august.lines["line_sign"].to_pylist() == [-1]
    assert "本行为红冲" in explain_case(august.lines.to_pylist()[0], policy)
    assert "统筹应付 7,000.00 元" in explain_case(august.lines.to_pylist()[0], policy)


def test_a_red_line_takes_a_floor_back(tmp_path):
    policy = make_policy(tmp_path, {"pool.negative": "floor_case"})
    floored = case("old", 12_000, 10_600, settled=date(2025, 6, 20))
    june = settle(policy, JUNE, [floored])
    august = settle(policy, AUGUST, [floored], posted=june.lines, gone=EXCHANGE, closed={JUNE})
    assert (june.lines["floored_fen"].to_pylist(), august.lines["floored_fen"].to_pylist()) == ([fen(600)], [fen(-600)])
    assert kinds(august) == {"old": ("reversal", "2025-06", 0)}
    row = row_of(august)
    assert row["month_result_fen"] == -june.lines["result_fen"][0].as_py()
    assert "负统筹补零 600.00（模拟）" in explain_case(august.lines.to_pylist()[0], policy)


def test_a_list_withdrawn_before_its_month_closed_is_never_posted(policy):
    gone = withdrawals(("old", date(2025, 7, 10), "next"))
    successor = case("next", 9_000, 2_000, settled=date(2025, 6, 28))
    june = settle(policy, JUNE, [OLD, successor], gone=gone)
    assert kinds(june) == {"next": ("regular", "2025-06", 8_000)}
    assert june.notes == ("1 份清单在关账前已撤销，不入账",)


def test_a_successor_waits_for_the_withdrawal_of_its_predecessor(policy):
    gone = withdrawals(("old", date(2025, 7, 11), "next"))
    successor = case("next", 9_000, 2_000, settled=date(2025, 6, 28))
    june = settle(policy, JUNE, [OLD, successor], gone=gone)
    assert list(kinds(june)) == ["old"]
    july = settle(policy, "2025-07", [successor], posted=june.lines, gone=gone, closed={JUNE})
    assert kinds(july) == {"old": ("reversal", "2025-06", -7_000), "next": ("replacement", "2025-06", 8_000)}


def test_a_withdrawal_without_a_date_is_refused(policy):
    with pytest.raises(PolicyError, match="没有日期"):
        settle(policy, JUNE, [OLD], gone=withdrawals(("old", None, None)))


def test_a_blue_line_finds_its_posted_ancestor_through_an_unposted_version(policy):
    june = settle(policy, JUNE, [OLD])
    gone = withdrawals(("old", date(2025, 8, 1), "b"), ("b", date(2025, 8, 2), "c"))
    third = case("c", 9_000, 2_000, settled=date(2025, 8, 2))
    august = settle(policy, AUGUST, [third], posted=june.lines, gone=gone, closed={JUNE})
    assert kinds(august)["c"] == ("replacement", "2025-06", 8_000)


def test_withdrawals_in_a_circle_are_refused(policy):
    gone = withdrawals(("a", date(2025, 6, 1), "b"), ("b", date(2025, 6, 2), "a"))
    with pytest.raises(PolicyError, match=r"settle\.withdrawal"):
        settle(policy, JUNE, [OLD], gone=gone)


def test_a_late_list_is_a_line_of_its_own(policy):
    late = case("late", 9_000, 2_000, settled=date(2025, 5, 20), accepted=date(2025, 6, 20))
    forgotten = case("forgotten", 9_000, 2_000, settled=date(2025, 5, 20), accepted=date(2025, 5, 25))
    june = settle(policy, JUNE, [OLD, late, forgotten], closed={"2025-05"})
    assert kinds(june)["late"] == ("late", "2025-05", 8_000)
    assert kinds(june)["forgotten"] == ("late", "2025-05", 8_000)
    row = row_of(june)
    assert (row["cases"], row["late_cases"]) == (1, 2)
    assert (row["pool_payable_fen"], row["late_pool_payable_fen"]) == (fen(7_000), fen(16_000))
    assert row["month_pool_payable_fen"] == fen(23_000)


def test_a_list_of_a_month_that_is_still_open_stays_there(policy):
    may = case("may", 9_000, 2_000, settled=date(2025, 5, 20))
    july = case("july", 9_000, 2_000, settled=date(2025, 7, 20))
    june = settle(policy, JUNE, [OLD, may, july])
    assert list(kinds(june)) == ["old"]
    assert june.notes == ("1 份清单属于尚未结算的 2025-05，留在该月",)


def test_a_posted_list_is_not_posted_again(policy):
    june = settle(policy, JUNE, [OLD])
    july = settle(policy, "2025-07", [OLD], posted=june.lines, closed={JUNE})
    assert july.lines.num_rows == 0


def test_a_closed_month_never_reopens(policy):
    june = settle(policy, JUNE, [OLD])
    with pytest.raises(PolicyError, match=r"settle\.closed"):
        settle(policy, JUNE, [OLD], closed={JUNE})
    with pytest.raises(PolicyError, match=r"settle\.closed"):
        settle(policy, JUNE, [OLD], posted=june.lines)


@pytest.mark.parametrize("month", ["2025-6", "2025-13", "202506", ""])
def test_a_month_is_written_in_one_way(policy, month):
    with pytest.raises(PolicyError, match=r"settle\.month"):
        settle(policy, month, [OLD])


def test_the_same_list_twice_is_refused_but_not_the_same_number_elsewhere(policy):
    with pytest.raises(PolicyError, match="例如机构 H3 的 old"):
        settle(policy, JUNE, [OLD, OLD])
    both = settle(policy, JUNE, [OLD, OLD | {"institution_code": "H2"}])
    assert both.lines.num_rows == 2


def test_lists_outside_the_scope_are_counted_not_posted(policy):
    june = settle(policy, JUNE, [OLD, case("clinic", 90, 10, care_type="outpatient_chronic")])
    assert list(kinds(june)) == ["old"]
    assert june.notes == ("1 份清单不在住院结算口径，不入账",)


def test_the_statement_of_a_hospital_s004_12(policy):
    june = settle(
        policy,
        JUNE,
        [
            OLD,
            case("heavy", 13_000, 3_000, 1_000, drg="BB11D"),
            case("high", 50_000, 10_000),
            case("low", 1_000, 100),
            case("odd", 5_000, 1_000, status="ungrouped", drg="0000"),
            case("resident", 9_000, 4_000, insurance="390"),
        ],
    )
    row = row_of(june)
    assert june.statement.schema == STATEMENT_SCHEMA
    assert (row["institution_name"], row["hospital_level"], row["fund_label"]) == ("第三医院", "三级", "职工")
    assert (row["cases"], row["drg_cases"], row["ungrouped_cases"]) == (5, 4, 1)
    assert (row["high_cases"], row["low_cases"]) == (1, 1)
    assert (row["total_weight_e4"], row["cmi_e4"]) == (44_100, 11_025)
    assert row["total_fee_fen"] == fen(78_500)
    assert row["item_pool_fen"] == fen(6_500 + 9_000 + 40_000 + 900 + 4_000)
    assert row["pool_payable_fen"] == fen(7_000 + 10_100 + 40_000 + 900 + 4_000)
    assert row["result_fen"] == fen(500 + 1_100)
    assert row["settlement_ratio"] == pytest.approx(62_000 / 60_400)
    assert row_of(june, "390")["pool_payable_fen"] == fen(6_000)


def test_the_settlement_ratio_of_the_published_month_tv_e4(tmp_path):
    policy = make_policy(tmp_path, {"rate.basic_group": fen(100_278.34), "rate.tier_budget": 10**14})
    row = row_of(settle(policy, JUNE, [case("c", 51_395.69, 0, drg="CC11D")]))
    assert (row["pool_payable_fen"], row["item_pool_fen"]) == (fen(50_139.17), fen(51_395.69))
    assert round(row["settlement_ratio"], 4) == 0.9756


def approved(amount):
    """A case whose pool payable is the given yuan exactly: paid by item, so payable = pool by item."""
    return case("c", amount, 0, status="ungrouped", drg="0000")


def test_the_transfer_of_the_month_tv_p14(policy):
    decided = decisions(("prepay_offset", 100_000), ("direct_drug", 250_000))
    row = row_of(settle(policy, JUNE, [approved(980_000)], decided=decided))
    assert row["deposit_fen"] == fen(29_400)
    assert row["cash_transfer_fen"] == fen(600_600)


@pytest.mark.parametrize(
    ("base", "deposit", "transfer"),
    [
        ("after_audit", 29_400, 940_600),  # TV-C3: 950,600 before the penalty of 10,000
        ("payable", 30_000, 940_000),
        ("after_audit_and_penalty", 29_100, 940_900),
    ],
)
def test_the_base_of_the_deposit_is_a_parameter(tmp_path, base, deposit, transfer):
    policy = make_policy(tmp_path, {"deposit.base": base})
    decided = decisions(("audit_deduction", 20_000), ("penalty", 10_000))
    row = row_of(settle(policy, JUNE, [approved(1_000_000)], decided=decided))
    assert (row["deposit_fen"], row["cash_transfer_fen"]) == (fen(deposit), fen(transfer))


@pytest.mark.parametrize(("covers", "deposit"), [("all", 1_000), ("grouped", 600)])
def test_the_deposit_may_leave_cases_paid_by_item_alone(tmp_path, covers, deposit):
    policy = make_policy(tmp_path, {"deposit.covers": covers, "deposit.ratio": 0.1})
    row = row_of(settle(policy, JUNE, [case("group", 9_000, 4_000), case("item", 6_000, 2_000, status="ungrouped")]))
    assert row["pool_payable_fen"] == fen(10_000)
    assert row["deposit_fen"] == fen(deposit)


def test_a_decision_of_another_month_waits_and_one_without_lists_has_its_own_row(policy):
    waiting = decisions(("penalty", 1), month="2025-07")
    assert row_of(settle(policy, JUNE, [OLD], decided=waiting))["penalty_fen"] == 0
    june = settle(policy, JUNE, [OLD], decided=decisions(("penalty", 500), fund="390"))
    row = row_of(june, "390")
    assert (row["cases"], row["cmi_e4"], row["settlement_ratio"]) == (0, None, None)
    assert row["cash_transfer_fen"] == fen(-500)


def test_a_decision_of_unknown_kind_or_fund_is_refused(policy):
    with pytest.raises(PolicyError, match=r"settle\.decision.*\n?.*gift"):
        settle(policy, JUNE, [OLD], decided=decisions(("gift", 1)))
    with pytest.raises(PolicyError, match=r"policy\.gap.*fund\.label"):
        settle(policy, JUNE, [OLD], decided=decisions(("penalty", 1), fund="999"))


def tampered(table, name, change):
    place = table.schema.get_field_index(name)
    values = table[name].to_pylist()
    values[0] += change
    return table.set_column(place, table.schema.field(name), pa.array(values, table.schema.field(name).type))


@pytest.mark.parametrize("name", ["pool_payable_fen", "gross_fen", "result_fen", "item_pool_fen", "total_fee_fen"])
def test_a_tampered_line_fails_loud(policy, name):
    june = settle(policy, JUNE, [OLD, case("c", 9_000, 1_000)])
    check_month(june.lines, june.statement)
    with pytest.raises(BalanceError):
        check_month(tampered(june.lines, name, 1), june.statement)


@pytest.mark.parametrize(
    "name",
    [
        "total_fee_fen",
        "gross_fen",
        "patient_fen",
        "other_funds_fen",
        "floored_fen",
        "pool_payable_fen",
        "month_result_fen",
        "late_item_pool_fen",
        "deposit_fen",
        "cash_transfer_fen",
        "penalty_fen",
    ],
)
def test_a_tampered_statement_fails_loud(policy, name):
    june = settle(policy, JUNE, [OLD])
    with pytest.raises(BalanceError):
        check_month(june.lines, tampered(june.statement, name, 1))


def test_a_line_without_its_row_and_a_row_without_its_line_fail_loud(policy):
    june = settle(policy, JUNE, [OLD, case("r", 9_000, 1_000, insurance="390")])
    with pytest.raises(BalanceError):
        check_month(june.lines, june.statement.slice(1))
    with pytest.raises(BalanceError):
        check_month(june.lines.slice(1), june.statement)


def test_settling_refuses_a_priced_case_that_was_changed_afterwards(policy):
    from payment_cases import INSTITUTIONS, grouped

    from tongpin.payment.month.posting import LINE_SCHEMA, WITHDRAWAL_SCHEMA
    from tongpin.payment.month.statement import DECISION_SCHEMA, settle_month
    from tongpin.payment.pricing.price import price

    priced = tampered(price(grouped(OLD), policy, INSTITUTIONS), "pool_payable_fen", 100)
    with pytest.raises(BalanceError, match="病例 old 统筹应付"):
        settle_month(
            JUNE,
            priced,
            LINE_SCHEMA.empty_table(),
            WITHDRAWAL_SCHEMA.empty_table(),
            DECISION_SCHEMA.empty_table(),
            set(),
            policy,
        )


def test_an_empty_month_settles_to_nothing(policy):
    june = settle(policy, JUNE, [])
    assert (june.lines.num_rows, june.statement.num_rows) == (0, 0)
    assert june.lines.schema == LINE_SCHEMA
    assert june.digest == settle(policy, JUNE, []).digest


def test_the_digest_depends_on_values_not_on_order(policy):
    other = case("c", 9_000, 1_000)
    one, two = settle(policy, JUNE, [OLD, other]), settle(policy, JUNE, [other, OLD])
    changed = settle(policy, JUNE, [OLD, case("c", 9_000, 1_000.01)])
    assert one.digest == two.digest != changed.digest


def test_the_report_knows_every_column():
    columns = statement_columns()
    assert [column.name for column in columns] == STATEMENT_SCHEMA.names
    for column in columns:
        assert (column.kind in {"wan", "yuan"}) == column.name.endswith("_fen")
        assert column.title


a_case = st.tuples(
    st.integers(0, 5_000_000),
    st.integers(0, 5_000_000),
    st.integers(0, 1_000_000),
    st.sampled_from(["AA11D", "BB11D", "CC11D"]),
    st.sampled_from(["H2", "H3"]),
    st.sampled_from(["310", "340", "390"]),
    st.integers(0, 60),
)


@settings(deadline=None, max_examples=40)
@given(drawn=st.lists(a_case, max_size=10), gone=st.sets(st.integers(0, 9)), ratio=st.integers(0, 10_000))
def test_two_months_always_balance_and_a_withdrawal_undoes_its_line(tmp_path_factory, drawn, gone, ratio):
    policy = make_policy(tmp_path_factory.mktemp("p"), {"deposit.ratio": ratio / 10_000})
    cases = [
        case(
            str(index),
            (pool + patient + other) / 100,
            patient / 100,
            other / 100,
            drg=drg,
            institution_code=code,
            insurance=insurance,
            settled=date(2025, 6, 10),
            accepted=date.fromordinal(date(2025, 6, 10).toordinal() + delay),
        )
        for index, (pool, patient, other, drg, code, insurance, delay) in enumerate(drawn)
    ]
    june = settle(policy, JUNE, cases)
    posted = {row["case_id"] for row in june.lines.to_pylist()}
    rows = withdrawals(*((str(index), date(2025, 8, 1), None) for index in gone))
    places = pa.array([drawn[int(i)][4] if int(i) < len(drawn) else "H3" for i in rows["setl_id"].to_pylist()])
    rows = rows.set_column(0, rows.schema.field(0), places.cast(pa.string()))
    july = settle(policy, "2025-07", cases, posted=june.lines, gone=rows, closed={JUNE})
    both = pa.concat_tables([june.lines, july.lines])
    august = settle(policy, AUGUST, cases, posted=both, gone=rows, closed={JUNE, "2025-07"})
    everything = pa.concat_tables([both, august.lines])

    for settlement in (june, july, august):
        for name in ("pool_payable_fen", "item_pool_fen", "result_fen"):
            statement_sum = pc.sum(settlement.statement[f"month_{name}"]).as_py() or 0
            assert statement_sum == (pc.sum(settlement.lines[name]).as_py() or 0)
    assert set(june.lines["line_kind"].to_pylist()) <= {"regular"}
    for index in range(len(drawn)):
        lines = everything.filter(pc.equal(everything["case_id"], str(index)))
        count = pc.sum(lines["line_sign"]).as_py() or 0
        if index in gone:
            assert count == 0
            assert (pc.sum(lines["pool_payable_fen"]).as_py() or 0) == 0
        else:
            assert count == 1
        assert (str(index) in posted) == (drawn[index][6] <= 30)
