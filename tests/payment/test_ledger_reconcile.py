"""Five records of one month compared: what differs is named with its case."""

from __future__ import annotations

import re
import shutil
from datetime import date
from pathlib import Path

import pytest
from ledger_cases import HOSPITAL, JUNE, MAY, a_list, bank, keep, keep_rows, result, small_home

from tongpin.base.errors import PolicyError
from tongpin.payment.ledger.reconcile_run import reconcile_in_home
from tongpin.payment.ledger.run import post_in_home
from tongpin.payment.month.run import closed_run, settle_in_home
from tongpin.payment.policy.drafts import new_edition
from tongpin.payment.policy.routes import COLUMNS
from tongpin.records.intake.load import INSTITUTIONS
from tongpin.store.home import Home


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_home(tmp_path_factory.mktemp("ledger") / "home").root


@pytest.fixture
def home(made: Path, tmp_path: Path) -> Home:
    home = Home.open(shutil.copytree(made, tmp_path / "home"))
    result(home, "J1", 7000, 3200, date(2025, 6, 3))
    result(home, "J2", 8000, 4000, date(2025, 6, 4))
    result(home, "M2", 6100, 2850, date(2025, 6, 10))
    return home


def differing(home: Home) -> dict[str, str]:
    return {row["case_id"]: row["between"] for row in reconcile_in_home(home, JUNE).cases.to_pylist()}


def test_a_month_on_which_all_agree(home):
    found = reconcile_in_home(home, JUNE)
    assert found.cases.num_rows == 0
    assert found.missing == ("bank",)
    (first, *_) = found.days.to_pylist()
    assert (first["institution_code"], first["day"]) == (HOSPITAL, date(2025, 6, 3))
    assert [first[f"{side}_fee_fen"] for side in ("his", "list", "group", "payment")] == [700_000] * 4
    assert [sum(found.days[f"{side}_count"].to_pylist()) for side in ("his", "list", "group", "payment")] == [3] * 4


def test_a_reversed_list_is_paid_no_longer(home):
    found = reconcile_in_home(home, MAY)
    assert sum(found.days["payment_count"].to_pylist()) == 0
    assert found.missing == ("his", "list", "group", "bank")


def test_amounts_and_cases_that_one_record_lacks(home):
    result(home, "J1", 7001, 3200, date(2025, 6, 3))
    result(home, "GONE", 100, 50, date(2025, 6, 5))
    keep(home, a_list("LATE", 500, date(2025, 6, 6)))
    keep(home, a_list("J2", 8000, date(2025, 6, 4), dx=["?"]))
    assert differing(home) == {
        "J1": "HIS结算↔清单",
        "LATE": "HIS结算↔清单、分组↔支付",
        "J2": "清单↔分组、分组↔支付",
        "GONE": "HIS结算↔清单",
    }


def test_transfer_fund_book_and_bank(home):
    due = closed_run(home, JUNE).settlement.statement["cash_transfer_fen"].to_pylist()[0]
    bank(home, "F1", due, book="fund")
    bank(home, "B1", due)
    (row,) = reconcile_in_home(home, JUNE).bank.to_pylist()
    assert (row["payment_fen"], row["fund_book_fen"], row["bank_fen"], row["differs"]) == (due, due, due, False)
    bank(home, "B1", due - 1)
    bank(home, "F2", 500, book="fund", purpose="预付")
    rows = {row["purpose"]: row for row in reconcile_in_home(home, JUNE).bank.to_pylist()}
    assert all(row["differs"] for row in rows.values())
    assert rows["预付"]["payment_fen"] is None


def test_each_area_of_a_home_compares_its_own_lists(tmp_path):
    """H1 is paid by the city, H2 by the province: neither sees the lists of the other as missing."""
    home = Home.open(tmp_path / "home")
    for name in ("city/2025", "province/2025"):
        draft = Path(new_edition(home, name, "demo-east/2025").file)
        draft.write_text(re.sub(r"(?m)^draft:.*\n", "", draft.read_text(encoding="utf-8")), encoding="utf-8")
    rows = ("*,*,*,*,*,settlement,2025-01-01,,city/2025,1,", "*,*,H2,*,*,settlement,2025-01-01,,province/2025,1,")
    (home.policies / "routes.csv").write_text("\n".join([",".join(COLUMNS), *rows]) + "\n", encoding="utf-8")
    for code in ("H1", "H2"):
        row = {"institution_code": code, "institution_name": code, "settlement_level": "三级"}
        keep_rows(home, "institution", INSTITUTIONS, row | {"valid_from": date(2020, 1, 1)})
        keep(home, a_list(f"{code}-1", 7000, date(2025, 6, 3), institution_code=code))
    for area in ("city", "province"):
        settle_in_home(home, JUNE, area)
    result(home, "H1-1", 7000, 3500, date(2025, 6, 3))
    result(home, "H2-1", 7000, 3500, date(2025, 6, 3))
    for area, code in (("city", "H1"), ("province", "H2")):
        found = reconcile_in_home(home, JUNE, area)
        assert found.cases.num_rows == 0
        assert found.days["institution_code"].to_pylist() == [code]
        assert {row["area"] for row in post_in_home(home, JUNE, area=area).postings.to_pylist()} == {area}
    with pytest.raises(PolicyError, match="用 --area 指明统筹区"):
        reconcile_in_home(home, JUNE)
