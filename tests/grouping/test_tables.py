"""Scheme folders: what is refused, and where the refusal points."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from tongpin.base.errors import SchemeError
from tongpin.grouping.checks.check import check_scheme, with_rows
from tongpin.grouping.library import import_scheme, open_scheme, scheme_folders
from tongpin.grouping.tables.read import load_scheme
from tongpin.store.home import Home


def replace(folder: Path, file: str, old: str, new: str) -> None:
    text = (folder / file).read_text(encoding="utf-8")
    assert old in text
    (folder / file).write_text(text.replace(old, new, 1), encoding="utf-8")


@pytest.mark.parametrize(
    ("file", "old", "new", "rule_id", "row", "path"),
    [
        ("drg.csv", "mcc | cc", "mcc | ccc", "SCH-W001", 7, "when（第 7 个字符）"),
        ("drg.csv", "age<17", "age<", "SCH-W001", 8, "when（第 1 个字符）"),
        ("adrg.csv", "px_main:HC2.px", "px_main:HC9.px", "SCH-W002", 8, "when"),
        ("drg.csv", "los>30", "icu_hours>30", "SCH-W003", 10, "when"),
        ("scheme.csv", "adrg_without_leaf,next", "adrg_without_lief,next", "SCH-K001", 5, "key"),
        ("scheme.csv", "adrg_without_leaf,next", "adrg_without_leaf,maybe", "SCH-K004", 5, "value"),
        ("mdc.csv", "1,MDCP", "x,MDCP", "SCH-S001", 2, "seq"),
        ("adrg.csv", "1,MDCH,adrg", "1,MDCK,adrg", "SCH-O001", 8, "mdc"),
        ("drg.csv", "MDCH,HZ1,HZ1", "MDCH,HZ1,HZ2", "SCH-O002", 12, "rule"),
        ("drg.csv", "MDCH,HZ1,HZ1", "MDCH,HC2,HZ1", "SCH-O002", 12, "rule"),
        ("drg.csv", "1,ZZ19,多发创伤,always", "1,ZZ19,多发创伤,always,", "SCH-C002", 4, ""),
        ("mcc.csv", "code,exclusion_table", "code,table", "SCH-C001", 1, ""),
    ],
)
def test_a_broken_table_is_refused_at_its_place(
    scheme_folder: Path, file: str, old: str, new: str, rule_id: str, row: int, path: str
) -> None:
    replace(scheme_folder, file, old, new)
    with pytest.raises(SchemeError) as caught:
        load_scheme(scheme_folder)
    findings = caught.value.findings  # type: ignore[attr-defined]
    assert (rule_id, file, row, path) in [(f.rule_id, f.file, f.record, f.path) for f in findings]
    assert all(f.hint for f in findings)


def test_a_missing_table_and_a_table_given_twice_are_refused(scheme_folder: Path) -> None:
    data = (scheme_folder / "mcc.csv").read_bytes()
    (scheme_folder / "mcc.csv.gz").write_bytes(gzip.compress(data))
    with pytest.raises(SchemeError, match="同时存在"):
        load_scheme(scheme_folder)
    (scheme_folder / "mcc.csv").unlink()
    assert load_scheme(scheme_folder).mcc["J96.000"] == "1"
    (scheme_folder / "mdc.csv").unlink()
    with pytest.raises(SchemeError, match=r"mdc\.csv"):
        load_scheme(scheme_folder)


def test_not_utf8_is_refused(scheme_folder: Path) -> None:
    (scheme_folder / "drg_name.csv").write_bytes("drg,name\nES35,肺炎\n".encode("gb18030"))
    with pytest.raises(SchemeError, match="UTF-8"):
        load_scheme(scheme_folder)


def test_import_keeps_the_scheme_whole_or_not_at_all(scheme_folder: Path, tmp_path: Path) -> None:
    home = Home.open(tmp_path / "home")
    import_scheme(home, scheme_folder, "small-2")
    assert "small-2" in scheme_folders(home)
    assert open_scheme(home, "small-2").scheme_id == "small-2"
    replace(scheme_folder, "drg.csv", "多发创伤,always", "多处创伤,always")
    with pytest.raises(SchemeError, match="已是另一套方案"):
        import_scheme(home, scheme_folder, "small-2")
    changed = import_scheme(home, scheme_folder, "small-2", replace=True)
    assert open_scheme(home, "small-2").digest == changed.scheme.digest
    assert [path.name for path in home.schemes.iterdir()] == ["small-2"]
    replace(scheme_folder, "drg.csv", "mcc | cc", "mcc | ccc")
    with pytest.raises(SchemeError):
        import_scheme(home, scheme_folder, "small-3")
    assert "small-3" not in scheme_folders(home)
    with pytest.raises(SchemeError, match="没有方案 small-3"):
        open_scheme(home, "small-3")
    with pytest.raises(SchemeError, match="代号"):
        import_scheme(home, scheme_folder, "../x")


def test_a_shipped_scheme_cannot_be_replaced(scheme_folder: Path, tmp_path: Path) -> None:
    home = Home.open(tmp_path / "home")
    with pytest.raises(SchemeError, match="已是另一套方案"):
        import_scheme(home, scheme_folder, "demo-drg", replace=True)
    assert open_scheme(home, "demo-drg").title == "演示分组方案（非官方）"


def test_a_quote_that_never_closes_is_found_where_it_begins_to_hurt(scheme_folder: Path) -> None:
    text = (scheme_folder / "drg_name.csv").read_text(encoding="utf-8")
    (scheme_folder / "drg_name.csv").write_text(text + 'XX19,"' + "长" * 200_000, encoding="utf-8")
    with pytest.raises(SchemeError) as caught:
        load_scheme(scheme_folder)
    assert [finding.rule_id for finding in caught.value.findings] == ["SCH-C003"]


def test_a_table_that_cannot_be_read_is_the_only_fault(scheme_folder: Path) -> None:
    (scheme_folder / "adrg.csv").write_bytes((scheme_folder / "adrg.csv").read_text("utf-8").encode("gb18030"))
    with pytest.raises(SchemeError) as caught:
        load_scheme(scheme_folder)
    assert [finding.rule_id for finding in caught.value.findings] == ["SCH-E001"]
    assert caught.value.where == str(scheme_folder / "adrg.csv")
    assert len(caught.value.as_dict()["errors"]) == 1


def test_check_warns_of_leaves_that_cannot_be_reached(scheme_folder: Path) -> None:
    assert [f.rule_id for f in check_scheme(load_scheme(scheme_folder))] == []
    replace(scheme_folder, "drg.csv", "4,ES35,肺炎,always", "4,ES35,肺炎,always\nMDCE,ES3,ES3,5,ES39,后来,mcc")
    replace(scheme_folder, "drg.csv", "los>30", "never")
    findings = check_scheme(load_scheme(scheme_folder))
    assert [(f.rule_id, f.record) for f in findings] == [("SCH-D001", 10), ("SCH-D002", 11), ("SCH-N001", 0)]
    assert "第 9 行" in findings[0].message


def test_check_looks_for_a_list_among_those_of_its_kind(scheme_folder: Path) -> None:
    replace(scheme_folder, "drg.csv", "los>30", "px_any:both")
    replace(scheme_folder, "px_list.csv", "list,code", "list,code\nboth,33.2400")
    (scheme_folder / "empty_list.csv").write_text("list\nboth\n", encoding="utf-8")
    assert check_scheme(load_scheme(scheme_folder)) == []
    replace(scheme_folder, "drg.csv", "px_any:both", "dx_any:both")
    assert [f.rule_id for f in check_scheme(load_scheme(scheme_folder))] == ["SCH-D003"]


def test_a_finding_about_a_code_names_the_row_of_its_table(scheme_folder: Path) -> None:
    (scheme_folder / "icd10.csv").write_text("code,name\nJ18.900,肺炎\n", encoding="utf-8")
    found = [f for f in check_scheme(load_scheme(scheme_folder)) if f.rule_id == "SCH-N002"]
    assert {f.record for f in found} == {0}
    rows = (scheme_folder / "dx_list.csv").read_text(encoding="utf-8").splitlines()
    for finding in with_rows(found, scheme_folder):
        assert rows[finding.record - 1].endswith(f",{finding.value}")
        assert f"第 {finding.record} 行" in str(finding)
