"""A small home for tests of the national assessment: one tertiary hospital, its pages, filed figures and peers."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from tongpin.records.case.schema import CASE_SCHEMA
from tongpin.records.intake.load import CASES, KEYS, load_files
from tongpin.store import lake
from tongpin.store.home import Home

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

HOSPITAL, OTHER = "H11000000001", "H11000000002"
INSTITUTIONS = f"""institution_code,institution_name,settlement_level,manual,open_beds,campus_of,valid_from
{HOSPITAL},第一医院,三级,综合三级,500,,2020-01-01
H11000000009,第一医院东院,三级,综合三级,,{HOSPITAL},2020-01-01
{OTHER},中医院,三级,中医三级,,,2020-01-01
H11000000003,社区,一级,不参加国考,,,2020-01-01
H11000000004,眼科医院,三级,专科三级,,,2020-01-01
"""


def page(number: int, day: str, **more: Any) -> dict[str, Any]:
    """One front page discharged on a day."""
    return {
        "source": "front_page",
        "case_id": f"P{number}",
        "institution_code": HOSPITAL,
        "sex": 1,
        "age": 60,
        "care_type": "inpatient",
        "discharge_time": datetime.fromisoformat(f"{day}T10:00:00"),
        "discharge_way": "1",
        "los": 8,
        "dx": ["J18.900"],
        "total_fee_fen": 1_000_000,
        "drug_fee_fen": 200_000,
        "consumable_fee_fen": 100_000,
    } | more


def year_of_pages(year: int, fee_fen: int = 1_000_000) -> list[dict[str, Any]]:
    """Two pages a month, one of them operated at level 4."""
    return [
        page(year * 100 + 2 * month + side, f"{year}-{month:02d}-15", total_fee_fen=fee_fen, surgery_level=4 * side)
        for month in range(1, 13)
        for side in (0, 1)
    ]


def make_home(
    folder: Path,
    pages: Iterable[Mapping[str, Any]] = (),
    filed: Iterable[tuple[int, str, str, str]] = (),
    more: Mapping[str, str] | None = None,
) -> Home:
    """A home with the register, pages, filed figures (year, item, value, unit) and further files."""
    home = Home.open(folder / "home")
    rows = "".join(f"{HOSPITAL},{year},{item},{value},{unit},年报,财务科\n" for year, item, value, unit in filed)
    files = {"institution": INSTITUTIONS, **(more or {})}
    if rows:
        files["finance"] = f"institution_code,year,item_code,value,unit,document,owner_dept\n{rows}"
    source = folder / "files"
    source.mkdir()
    for name, text in files.items():
        (source / f"{name}.csv").write_text(text, encoding="utf-8")
    report = load_files(home, [source])
    assert [one.message for one in report.findings if one.severity == "error"] == []
    table = pa.Table.from_pylist([dict(one) for one in pages], schema=CASE_SCHEMA)
    if table.num_rows:
        lake.upsert(home, CASES, table, KEYS[CASES])
    return home


def peers_csv(figures: Mapping[str, list[float]], year: int = 2025, manual: str = "综合三级") -> str:
    """Peers in their layout: figures by part, one per peer."""
    lines = ["peer_code,manual,year,item_code,value"]
    lines += [
        f"P{place},{manual},{year},guokao.{sub},{value}"
        for sub, values in figures.items()
        for place, value in enumerate(values)
    ]
    return "\n".join(lines) + "\n"
