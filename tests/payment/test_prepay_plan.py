"""The plan of a year: which scheme, what it rests on, who gets nothing and why."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from payment_cases import fen, make_policy
from prepay_cases import history, prepay_edition, s001_policy

from tongpin.base.errors import PolicyError, StoreError
from tongpin.payment.policy.policy import Policy
from tongpin.payment.prepay.adopted import PLANS, adopt, adopted_plans
from tongpin.payment.prepay.cash_gap import read_flows
from tongpin.payment.prepay.instant import windows
from tongpin.payment.prepay.monthly import FundState
from tongpin.payment.prepay.plan import Hospital, Plan, from_json, make_plan, to_json
from tongpin.payment.prepay.spending import Known, payable_of, read_history
from tongpin.store import lake
from tongpin.store.home import Home

AREA = ("test", "测试")
HOSPITALS = {code: Hospital(code, f"医院{code}", "三级", "综合医院") for code in ("H1", "H2")}
YEARS = ("2022", "2023", "2024")


def known(path: Path, *rows: str, **more) -> Known:
    return Known(read_history(history(path, *rows)), more.get("cleared", {}), more.get("closed", {}))


def planned(policy: Policy, spent: Known, states=None, **more) -> Plan:
    return make_plan(policy, AREA, 2025, spent, HOSPITALS, states or {}, **more)


def test_a_plan_says_base_exclusion_instalments_and_recovery(tmp_path):
    rows = [f"H1,310,{year},1000.00,," + "," for year in YEARS[:2]]
    spent = known(tmp_path, *rows, "H1,310,2024,1600.00,600.00,分解住院,核查 7 号")
    (row,) = planned(s001_policy(tmp_path), spent).rows
    assert (row.core_fen, row.last_year_fen) == (fen(880), fen(1_600))
    assert [one.label for one in row.steps][:3] == ["历史支出合计", "剔除不合理增长", "前几年均值"]
    assert row.steps[1].formula == "2024 分解住院（核查 7 号）"
    assert [str(one.day) for one in row.instalments] == ["2025-01-15", "2025-04-15", "2025-07-15", "2025-10-15"]
    assert sum(one.amount_fen for one in row.instalments) == fen(616)
    assert {(one.recovery_from, one.recovery_months) for one in row.instalments} == {
        (f"2025-{month}", 3) for month in ("02", "05", "08", "11")
    }
    assert "低 42.25 %" in row.warnings[0], "924 against the 1,600 of the last year"


def test_a_hospital_short_of_cash_is_marked(tmp_path):
    def change(data):
        prepay_edition(data)
        data["parameters"]["prepay.paid_ratio"] |= {
            "by": ["cash"],
            "values": {date(2025, 1, 1): {"ordinary": 0.7, "short": 0.8}},
        }

    spent = known(tmp_path, *(f"{code},310,{year},1000.00,,," for code in HOSPITALS for year in YEARS))
    first, second = planned(make_policy(tmp_path, change=change), spent, short={"H2"}).rows
    assert (first.paid_fen, second.paid_fen) == (fen(616), fen(704))
    assert "资金紧张" in second.steps[-1].formula
    with pytest.raises(PolicyError, match=r"prepay\.short"):
        planned(s001_policy(tmp_path), spent, short={"H9"})


def test_who_gets_nothing_is_told_why(tmp_path):
    rows = [f"{code},310,{year},1000.00,,," for code in ("H1", "H9") for year in YEARS]
    spent = known(tmp_path, *rows, "H2,310,2022,5.00,,,", "H2,310,2024,5.00,,,")
    plan = planned(s001_policy(tmp_path), spent)
    told = {row.institution_code: row.refused for row in plan.rows}
    assert told["H1"] == ""
    assert "只有 1 年支出" in told["H2"], "an older year does not stand for the missing one"
    assert "机构登记里没有" in told["H9"]
    assert [row.paid_fen for row in plan.rows if row.refused] == [0, 0]


@pytest.mark.parametrize(
    ("state", "told"),
    [
        (None, "没有 2024 年十二个月的基金收支"),
        (FundState("310", 11_999, 1_000, 1), "须12 个月，不预付"),
        (FundState("310", 20_000, 1_000, -1), "赤字，不预付"),
    ],
)
def test_a_fund_that_may_not_prepay_gives_nothing(tmp_path, state, told):
    policy = s001_policy(tmp_path, prepay__scheme="national_2024")
    plan = planned(policy, known(tmp_path, *(f"H1,310,{year},1200.00,,," for year in YEARS)), {"310": state})
    assert (plan.offers[0].allowed, plan.rows[0].paid_fen) == (False, 0)
    assert told in plan.offers[0].reason
    assert plan.rows[0].refused == "这项基金不预付"


def test_the_monthly_scheme_takes_years_of_the_file_and_closed_months(tmp_path):
    policy = s001_policy(
        tmp_path, prepay__scheme="national_2024", prepay__mean_years=2, prepay__instalments=1, prepay__dates=["01-15"]
    )
    closed = {("H1", "310", f"2024-{month:02d}"): fen(200) for month in range(1, 13)}
    spent = known(tmp_path, "H1,310,2023,1200.00,,,", closed=closed)
    (row,) = planned(policy, spent, {"310": FundState("310", 12_000, 1_000, 0)}).rows
    assert row.paid_fen == fen(150)
    assert row.steps[0].formula == "2023 年取自文件；2024 年取自月结"


def test_the_file_wins_over_a_clearing_and_a_clearing_over_months(tmp_path):
    closed = {("H1", "310", f"{year}-{month:02d}"): 1 for year in (2022, 2023, 2024) for month in range(1, 13)}
    cleared = {("H1", "310", "2023"): 230, ("H1", "310", "2024"): 240}
    spent = known(tmp_path, "H1,310,2024,9.00,,,", "H1,310,2023,,1.00,挂床,核查", cleared=cleared, closed=closed)
    found = [spent.year("H1", "310", year) for year in (2022, 2023, 2024)]
    assert [(one.spent_fen, one.source) for one in found] == [(12, "月结"), (230, "清算"), (900, "文件")]
    assert (found[1].excluded_fen, found[1].reason) == (100, "2023 挂床（核查）")


def test_floors_of_a_month_belong_to_what_it_owed():
    row = {"institution_code": "H1", "fund": "310", "month": "2024-01"}
    row |= {"month_pool_payable_fen": 100, "month_floored_fen": 30, "floor_recovered_fen": 10}
    assert payable_of([row]) == {("H1", "310", "2024-01"): 120}


@pytest.mark.parametrize("dates", [["01-15"], ["04-15", "01-15", "07-15", "10-15"], ["1", "2", "3", "4"]])
def test_dates_that_do_not_fit_the_instalments_are_refused(tmp_path, dates):
    spent = known(tmp_path, *(f"H1,310,{year},1000.00,,," for year in YEARS))
    with pytest.raises(PolicyError, match=r"prepay\.dates"):
        planned(s001_policy(tmp_path, prepay__dates=dates), spent)


def test_a_fund_that_does_not_prepay_has_no_rows(tmp_path):
    spent = known(tmp_path, *(f"H1,310,{year},1000.00,,," for year in YEARS))
    plan = planned(s001_policy(tmp_path, prepay__scheme="none"), spent)
    assert (plan.rows, plan.offers[0].reason) == ((), "付费办法写明不预付")
    with pytest.raises(PolicyError, match=r"prepay\.empty"):
        planned(s001_policy(tmp_path), Known({}, {}, {}))


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("H1,310,2024-13,1.00,,,", "期间不对"),
        ("H1,310,2024,1.001,,,", "金额不对"),
        ("H1,310,2024,1.00,2.00,x,y", "剔除额须"),
        ("H1,310,2024,5.00,2.00,,", "没有写原因"),
        ("H1,310,2024,1.00,,", "列数不对"),
    ],
)
def test_a_faulty_history_is_refused_with_its_line(tmp_path, row, told):
    with pytest.raises(PolicyError, match=f"第 2 行 .*{told}"):
        read_history(history(tmp_path, row))
    with pytest.raises(PolicyError, match="重复"):
        read_history(history(tmp_path, *["H1,310,2024,1.00,,,"] * 2))


def test_an_adopted_plan_is_frozen(tmp_path):
    home = Home.open(tmp_path / "home")
    plan = planned(s001_policy(tmp_path), known(tmp_path, *(f"H1,310,{year},1000.00,,," for year in YEARS)))
    assert from_json(to_json(plan)) == plan
    with pytest.raises(PolicyError, match=r"prepay\.document"):
        adopt(home, plan, " ")
    with pytest.raises(PolicyError, match=r"prepay\.nothing"):
        adopt(home, replace(plan, rows=()), "1号")
    made = adopt(home, plan, "1号")
    assert adopted_plans(home, "test") == {2025: made}
    table = lake.read(home, PLANS)
    changed = [text.replace("医院H1", "医院H8") for text in table["plan"].to_pylist()]
    lake.replace(home, PLANS, table.set_column(table.column_names.index("plan"), "plan", [changed]), "area", "test")
    with pytest.raises(StoreError, match=r"prepay\.digest"):
        adopted_plans(home, "test")


def test_windows_of_days_and_weeks_stay_within_the_month():
    days = [(one.first.day, one.last.day) for one in windows("day", date(2025, 6, 3))]
    weeks = [(one.first.day, one.last.day) for one in windows("week", date(2025, 6, 30))]
    assert days == [(1, 1), (2, 2), (3, 3)]
    assert weeks == [(1, 1), (2, 8), (9, 15), (16, 22), (23, 29), (30, 30)]
    assert [one.last.day for one in windows("week", date(2025, 6, 14))] == [1, 8], "the week has not ended"


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        (["H1,2025-01,,1,1"], "没有期初"),
        (["H1,2025-01,5,1,1", "H1,2025-03,,1,1"], "不连续"),
        (["H1,2025,5,1,1"], "月份不对"),
        (["H1,2025-01,5,x,1"], "金额不对"),
    ],
)
def test_faulty_cash_flows_are_refused(tmp_path, rows, told):
    file = tmp_path / "flows.csv"
    file.write_text("institution_code,month,opening,inflow,outflow\n" + "\n".join(rows) + "\n", encoding="utf-8")
    with pytest.raises(PolicyError, match=told):
        read_flows(file)
