"""Three published schemes with expected answers: every case, through interpreter and kernel alike."""

from __future__ import annotations

from pathlib import Path

import pytest

from tongpin.grouping.compiled.stage import group
from tongpin.grouping.library import import_scheme
from tongpin.grouping.tables.interpreter import Case, interpret
from tongpin.records.intake.read import read
from tongpin.store.home import Home

REFERENCE = Path(__file__).parents[3] / "shared" / "reference"


@pytest.mark.needs("reference")
@pytest.mark.parametrize(
    ("scheme_id", "oracle", "count"),
    [("chs-drg-1.1", "chs_drg_11", 20_000), ("foshan-2022", "foshan_2022", 5_000), ("wuxi-2022", "wuxi_2022", 5_000)],
)
def test_every_expected_answer(tmp_path: Path, scheme_id: str, oracle: str, count: int) -> None:
    scheme = import_scheme(Home.open(tmp_path), REFERENCE / scheme_id, scheme_id).scheme
    loaded = read(REFERENCE / "oracle" / f"{oracle}.csv.gz", key=b"test")
    assert loaded.cases.num_rows == count
    columns = ("status", "mdc", "adrg", "drg")
    extra = [dict(row) for row in loaded.cases["extra"].to_pylist()]
    expected = [tuple(row[f"expected_{name}"] for name in columns) for row in extra]
    grouped = group(loaded.cases, scheme)
    by_kernel = [tuple(row.values()) for row in grouped.select(list(columns)).to_pylist()]
    assert by_kernel == expected
    outcomes = [interpret(scheme, Case.of(row)) for row in loaded.cases.to_pylist()]
    by_interpreter = [(o.status, o.mdc, o.adrg, o.drg) for o in outcomes]
    assert by_interpreter == expected
