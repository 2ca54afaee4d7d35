"""`tongpin dip`: a catalogue from the lists of a home, shown, checked; a case traced; the ledger of a month."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pytest
from dip_cases import INSTITUTIONS, history, stay, table

from tongpin.base.errors import PolicyError
from tongpin.cli import main
from tongpin.payment.dip.run import city_tables
from tongpin.records.case.schema import CASE_SCHEMA
from tongpin.records.intake.load import CASES


@pytest.fixture
def tongpin(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """The command line over a home that holds the history and a month after it."""
    rows = [*history(), *[stay(500 + n, "I20.000", (), 6_000, 2025) for n in range(3)]]
    rows.append(stay(600, "K80.200", ("39.9500",), 30_000, 2025))
    rows.append(stay(601, "I20.000", (), 1, 2025, care_type="outpatient"))
    cases = table(rows).select(CASE_SCHEMA.names)

    def loaded(home, name, columns=None):
        return cases if name == CASES else INSTITUTIONS

    for module in ("tongpin.payment.dip.run", "tongpin.records.intake.load"):
        monkeypatch.setattr(f"{module}.read_loaded", loaded)

    def run(*arguments: object, home: bool = True) -> tuple[int, str, str]:
        at = ["--home", str(tmp_path / "home")] if home else []
        monkeypatch.setattr("sys.argv", ["tongpin", "dip", *map(str, arguments), *at])
        code = 0
        try:
            main()
        except SystemExit as ended:
            code = int(ended.code or 0)
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def built(tongpin, folder: Path) -> dict:
    code, out, err = tongpin("build", "--from-months", "2022-01..2024-12", "-o", folder, "--json")
    assert (code, err) == (0, "")
    return json.loads(out)


def test_a_catalogue_is_built_shown_and_checked(tongpin, tmp_path):
    told = built(tongpin, tmp_path / "catalogue")
    assert told["catalogue"]["groups"] == {"core": 4, "composite": 4, "special": 0}
    assert told["catalogue"]["cases"] == "130"
    code, out, _ = tongpin("show", tmp_path / "catalogue", home=False)
    assert code == 0
    assert "核心病种 4 个、综合病种 4 个" in out
    assert "模拟" in out
    code, out, _ = tongpin("show", tmp_path / "catalogue", "--group", "I20.0:BSZL", home=False)
    assert "三级" in out
    assert tongpin("check", tmp_path / "catalogue", home=False)[:2] == (0, "没有发现问题\n")
    assert tongpin("show", tmp_path / "catalogue", "--group", "X", home=False)[0] == 1


def test_a_contradiction_ends_with_findings(tongpin, tmp_path):
    built(tongpin, tmp_path / "catalogue")
    (tmp_path / "catalogue" / "zero_value.csv").write_text("code\n36.0700\n", encoding="utf-8")
    code, out, _ = tongpin("check", tmp_path / "catalogue", home=False)
    assert code == 1
    assert "DIP-C003" in out


def test_a_case_is_traced(tongpin, tmp_path):
    built(tongpin, tmp_path / "catalogue")
    code, out, _ = tongpin("why", tmp_path / "catalogue", "--case", "S00600")
    assert code == 0
    assert out.splitlines()[-1] == "结果：K80:ZLXCZ"
    assert tongpin("why", tmp_path / "catalogue", "--case", "nobody")[0] == 1


def test_the_ledger_of_a_month(tongpin, tmp_path):
    built(tongpin, tmp_path / "catalogue")
    code, out, _ = tongpin("ledger", "--catalogue", tmp_path / "catalogue", "--month", "2025-06", "--json")
    told = json.loads(out)
    assert code == 0
    assert {(row["kind"], row["type"]): row["cases"] for row in told["kinds"]} == {
        ("core", ""): 3,
        ("core", "conservative"): 3,
        ("composite", ""): 1,
        ("composite", "therapeutic"): 1,
    }
    assert "dip.point_value" in told["assumed"]
    code, out, _ = tongpin("ledger", "--catalogue", tmp_path / "catalogue", "--month", "2025-06")
    assert "75.00 %" in out
    assert "模拟" in out
    assert tongpin("ledger", "--catalogue", tmp_path / "catalogue", "--month", "2030-01")[0] == 1
    assert tongpin("ledger", "--catalogue", tmp_path / "catalogue", "--month", "2025-06", "--institution", "H9")[0] == 1


def test_another_catalogue_than_that_of_the_edition_is_refused(tongpin, tmp_path):
    tongpin("build", "--from-months", "2022-01..2024-12", "-o", tmp_path / "other", "--id", "other")
    code, _, err = tongpin("ledger", "--catalogue", tmp_path / "other", "--month", "2025-06")
    assert code == 1
    assert "dip.catalogue" in err


@pytest.mark.parametrize("months", ["2022-01", "2021-12..2024-12", "2024-12..2022-01", "2030-01..2030-12"])
def test_months_that_cannot_be_built_from_are_refused(tongpin, tmp_path, months):
    assert tongpin("build", "--from-months", months, "-o", tmp_path / "x")[0] == 1
    assert not (tmp_path / "x").exists()


def test_a_city_brings_its_own_tables(tmp_path):
    types = tmp_path / "types.csv"
    types.write_text("code,type\n36.0700,介入治疗\n", encoding="utf-8")
    sections = tmp_path / "sections.csv"
    sections.write_text("section,name,first,last\nI20-I25,缺血性心脏病,I20,I25\n", encoding="utf-8")
    found = city_tables(types, None, sections, ({"I20.000": "心绞痛", "I20.001": "别的"}, {}))
    assert found.procedure_types == {"36.0700": "interventional"}
    assert found.sections[0].last == "I25"
    assert found.dx_names == {"I20.0": "心绞痛"}
    types.write_text("code,type\n36.0700,魔法\n", encoding="utf-8")
    with pytest.raises(PolicyError, match=r"dip\.tables"):
        city_tables(types)


def test_the_demonstration_types_every_procedure_of_the_demonstration_scheme():
    from tongpin.grouping.library import shipped_folder
    from tongpin.grouping.tables.read import load_scheme

    names = load_scheme(shipped_folder() / "demo-drg").px_names
    typed = city_tables().procedure_types
    assert set(names) <= set(typed)
    assert pa.array(sorted(set(typed.values()))).to_pylist() == [
        "diagnostic",
        "interventional",
        "surgery",
        "therapeutic",
    ]
