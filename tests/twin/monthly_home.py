"""A small home for tests of meeting packs and monthly reports: three generated hospitals, three closed months."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from tongpin.bench.city_home import city_home, city_setting
from tongpin.payment.month.run import settle_in_home
from tongpin.records.intake.lake_tables import CASES, KEYS, RECEIPTS, read_loaded, schema_of
from tongpin.store import lake

if TYPE_CHECKING:
    from pathlib import Path

    from tongpin.store.home import Home

HOSPITALS = (4, 22, 23)
LARGE, SMALL, OBSERVED = "H99010000005", "H99010000023", "H99010000024"
MONTH, BEFORE, YEAR_BEFORE = "2025-06", "2025-05", "2024-06"
RETURNED = "主要诊断编码与手术编码不匹配"


def make_home(root: Path) -> Home:
    """The home; one list of the large hospital came back and was not sent again."""
    months = [month for month in city_setting().months if str(month) in {YEAR_BEFORE, BEFORE, MONTH}]
    home = city_home(root / "home", months, HOSPITALS, pages=True)
    for month in (YEAR_BEFORE, BEFORE, MONTH):
        settle_in_home(home, month)
    _send_back(home)
    return home


def _send_back(home: Home) -> None:
    """A list of cardiology, a copy of a settled one under another number, refused on the day after it was sent."""
    cases = read_loaded(home, CASES)
    of_june = pc.starts_with(pc.cast(cases["discharge_time"], pa.string()), MONTH)
    chosen = pc.and_(pc.equal(cases["source"], "settlement_list"), pc.equal(cases["institution_code"], LARGE))
    (row,) = cases.filter(pc.and_(pc.and_(chosen, of_june), pc.equal(cases["dept"], "03.04"))).slice(0, 1).to_pylist()
    schema = schema_of(CASES)
    sent = datetime(2025, 6, 20, 9)  # noqa: DTZ001
    row |= {"case_id": "RETURNED1", "record_no": "BA0001", "mdtrt_id": "MR1", "stay_no": None, "upload_time": sent}
    row |= {"accepted_date": None}
    table = pa.Table.from_pylist([{name: row.get(name) for name in schema.names}], schema=schema)
    lake.upsert(home, CASES, table, KEYS[CASES])
    answers = schema_of(RECEIPTS)
    answer = dict.fromkeys(answers.names) | {
        "institution_code": LARGE,
        "setl_id": "RETURNED1",
        "received_time": datetime(2025, 6, 21, 9),  # noqa: DTZ001
        "accepted": False,
        "code": "E101",
        "message": RETURNED,
        "upload_time": sent,
    }
    lake.upsert(home, RECEIPTS, pa.Table.from_pylist([answer], schema=answers), KEYS[RECEIPTS])
