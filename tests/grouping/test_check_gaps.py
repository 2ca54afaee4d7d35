"""Gaps, overlaps, codes and names: what a check says of a small scheme, and what it leaves alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from tongpin.base.findings import Finding
from tongpin.grouping.checks.check import check_scheme
from tongpin.grouping.tables.interpreter import Case, interpret
from tongpin.grouping.tables.read import load_scheme

TABLES = {
    "scheme.csv": ["key,value", "scheme_id,s", "adrg_without_leaf,stop"],
    "mdc.csv": ["seq,mdc,name,when,min_sites", "1,MDCB,甲,dx_main:B,0"],
    "adrg.csv": [
        "seq,mdc,kind,adrg,rule,name,when",
        "1,MDCB,adrg,BA1,BA1,手术,px_main:P",
        "2,MDCB,adrg,BR1,BR1,内科,dx_main:R",
    ],
    "drg.csv": [
        "mdc,adrg,rule,seq,drg,name,when",
        "MDCB,BA1,BA1,1,BA19,手术,always",
        "MDCB,BR1,BR1,1,BR11,重,mcc",
        "MDCB,BR1,BR1,2,BR15,轻,always",
    ],
    "drg_name.csv": ["drg,name", "BA19,手术", "BR11,重", "BR15,轻"],
    "dx_list.csv": ["list,code", "B,D10", "B,D11", "R,D10", "R,D11"],
    "px_list.csv": ["list,code", "P,P10"],
    "mcc.csv": ["code,exclusion_table", "D50,1"],
    "cc.csv": ["code,exclusion_table", "D60,1"],
    "exclusion.csv": ["code,exclusion_table", "D10,1"],
}


def check(folder: Path, **changes: list[str]) -> list[Finding]:
    """What the check says of the tables with rows added or (with `-`) taken out."""
    folder = folder / "s"
    folder.mkdir(exist_ok=True)
    tables = {name: list(lines) for name, lines in TABLES.items()}
    for name, lines in changes.items():
        rows = tables.setdefault(f"{name}.csv", [])
        for line in lines:
            if line.startswith("-"):
                rows.remove(line[1:])
            else:
                rows.append(line)
    for name, lines in tables.items():
        (folder / name).write_text("\n".join([*lines, ""]), encoding="utf-8")
    return check_scheme(load_scheme(folder), remarks=True)


def only(findings: list[Finding], rule_id: str) -> Finding:
    chosen = [finding for finding in findings if finding.rule_id == rule_id]
    assert len(chosen) == 1, findings
    return chosen[0]


def test_a_scheme_without_faults(tmp_path: Path) -> None:
    assert check(tmp_path) == []


def test_cases_that_fit_no_leaf(tmp_path: Path) -> None:
    findings = check(tmp_path, drg=["-MDCB,BR1,BR1,2,BR15,轻,always", "MDCB,BR1,BR1,2,BR15,儿童,age<18 & !mcc & !cc"])
    gap = only(findings, "SCH-G001")
    assert (gap.severity, gap.file, gap.record) == ("warning", "adrg.csv", 3)
    assert "结果只是三位 BR1" in gap.message
    assert "年龄 ≥ 18" in gap.message or "只有 CC" in gap.message


@pytest.mark.parametrize(
    ("conditions", "words"),
    [
        (("age<18",), "年龄 ≥ 18"),
        (("age>=18",), "年龄 ≤ 17"),
        (("los<=30",), "住院天数缺失或 ≥ 31"),
        (("los<5", "los>7"), "住院天数缺失或 5 至 7"),
        (("mcc", "cc"), "无 MCC 也无 CC"),
        (("mcc",), "无 MCC 也无 CC或只有 CC"),
        (("sex==2",), "性别为男"),
        (("discharge_way==1",), "离院方式为其他或缺"),
        (("dept==ICU", "dept==CCU"), "科别为其他或缺"),
    ],
)
def test_the_gap_is_described(tmp_path: Path, conditions: tuple[str, ...], words: str) -> None:
    rows = [f"MDCB,BR1,BR1,{at},BR1{at},甲,{when}" for at, when in enumerate(conditions, start=1)]
    findings = check(tmp_path, drg=["-MDCB,BR1,BR1,1,BR11,重,mcc", "-MDCB,BR1,BR1,2,BR15,轻,always", *rows])
    assert f"（例如{words}）" in only(findings, "SCH-G001").message


def test_a_declared_number_is_described_by_its_threshold(tmp_path: Path) -> None:
    findings = check(
        tmp_path,
        field=["field,kind,label", "temperature,number,体温"],
        drg=[
            "-MDCB,BR1,BR1,2,BR15,轻,always",
            "MDCB,BR1,BR1,2,BR15,低,temperature<=37.5",
            "MDCB,BR1,BR1,3,BR16,中,mcc",
        ],
    )
    assert "体温缺失或 > 37.5" in only(findings, "SCH-G001").message


def test_leaves_that_together_cover_all_leave_no_gap(tmp_path: Path) -> None:
    rows = ["-MDCB,BR1,BR1,2,BR15,轻,always", "MDCB,BR1,BR1,2,BR13,儿童,age<18", "MDCB,BR1,BR1,3,BR15,成人,age>=18"]
    assert [f.rule_id for f in check(tmp_path, drg=rows)] == ["SCH-N001"]  # the new group has no name yet


def test_where_the_scheme_goes_on_a_gap_is_a_remark(tmp_path: Path) -> None:
    findings = check(
        tmp_path,
        scheme=["-adrg_without_leaf,stop", "adrg_without_leaf,next"],
        drg=["-MDCB,BR1,BR1,2,BR15,轻,always", "MDCB,BR1,BR1,2,BR15,轻,age<18"],
    )
    assert only(findings, "SCH-G001").severity == "info"


def test_principals_that_fit_no_rule_without_a_procedure(tmp_path: Path) -> None:
    gap = only(check(tmp_path, dx_list=["B,D12", "B,D13"]), "SCH-G002")
    assert (gap.severity, gap.file, gap.record) == ("warning", "mdc.csv", 2)
    assert gap.message.startswith("2 个主要诊断")
    assert "D12、D13" in gap.message
    assert "最后无法入组" in gap.message


def test_principals_that_a_later_category_takes_are_a_remark(tmp_path: Path) -> None:
    gap = only(
        check(
            tmp_path,
            mdc=["2,MDCC,乙,dx_main:C,0"],
            adrg=["1,MDCC,adrg,CA1,CA1,乙,always"],
            drg=["MDCC,CA1,CA1,1,CA19,乙,always"],
            drg_name=["CA19,乙"],
            dx_list=["B,D12", "C,D12"],
        ),
        "SCH-G002",
    )
    assert (gap.severity, gap.value) == ("info", "MDCB")
    assert "都由后面的 MDC 接住" in gap.message


def test_leaves_of_which_order_decides(tmp_path: Path) -> None:
    rows = ["MDCB,BR1,BR1,0,BR17,儿童,age<17", "MDCB,BR1,BR1,1,BR18,长住,los>30"]
    overlap = only(check(tmp_path, drg=rows, drg_name=["BR17,儿童", "BR18,长住"]), "SCH-G003")
    assert (overlap.severity, overlap.record) == ("info", 3)
    assert "BR17（第 5 行）与 BR18（第 6 行）" in overlap.message


def test_leaves_that_only_narrow_or_exclude_one_another_do_not_overlap(tmp_path: Path) -> None:
    rows = ["MDCB,BR1,BR1,0,BR17,甲,age<17 & mcc", "MDCB,BR1,BR1,1,BR18,乙,age<17", "MDCB,BR1,BR1,1,BR19,丙,age>60"]
    assert check(tmp_path, drg=rows, drg_name=["BR17,甲", "BR18,乙", "BR19,丙"]) == []


def test_codes_of_several_groups_of_a_category(tmp_path: Path) -> None:
    findings = check(
        tmp_path,
        adrg=["3,MDCB,adrg,BS1,BS1,其他,dx_main:S"],
        drg=["MDCB,BS1,BS1,1,BS19,其他,always"],
        drg_name=["BS19,其他"],
        dx_list=["S,D11", "S,D12", "B,D12"],
    )
    overlap = only(findings, "SCH-G004")
    assert (overlap.severity, overlap.file, overlap.value) == ("info", "dx_list.csv", "MDCB")
    assert "1 个诊断编码" in overlap.message
    assert "D11（BR1、BS1）" in overlap.message


def test_codes_that_no_list_uses(tmp_path: Path) -> None:
    names = ["code,name", *(f"{code},某" for code in ("D10", "D11", "A00", "A01", "B02", "D50", "D60"))]
    note = only(check(tmp_path, icd10=names), "SCH-N003")
    assert note.value == "5 / 7"
    assert "D 章 2、A 章 2" in note.message or "A 章 2、D 章 2" in note.message


@pytest.mark.parametrize(
    ("changes", "rule_id", "severity", "words"),
    [
        ({"dx_list": ["W,D10"]}, "SCH-N004", "info", "没有一个条件用到"),
        ({"drg_name": ["BX19,没有"]}, "SCH-N005", "info", "没有一行细分组"),
        ({"cc": ["D50,1"]}, "SCH-N006", "warning", "既是 MCC 又是 CC：D50"),
        ({"mcc": ["D51,999"]}, "SCH-N007", "info", "1 个并发症编码不会被任何主要诊断排除：表 999"),
        ({"exclusion": ["D11,8"]}, "SCH-N008", "info", "1 个主要诊断排除不到任何并发症：表 8"),
        ({"dx_map": ["code,target", "G1,D99"]}, "SCH-N009", "warning", "都没有：D99"),
        ({"dx_map": ["code,target", "G1,D10", "D10,D11"]}, "SCH-N010", "info", "G1→D10→D11"),
        ({"drg_name": ["-BR15,轻"]}, "SCH-N001", "warning", "没有名称"),
        ({"icd9": ["code,name", "P11,某"]}, "SCH-N002", "warning", "字典里没有这个编码（见清单 P）"),
    ],
)
def test_what_does_not_fit_together(
    tmp_path: Path, changes: dict[str, list[str]], rule_id: str, severity: str, words: str
) -> None:
    finding = only(check(tmp_path, **changes), rule_id)
    assert finding.severity == severity
    assert words in finding.message


def test_a_map_whose_targets_are_known_and_final_is_left_alone(tmp_path: Path) -> None:
    assert check(tmp_path, dx_map=["code,target", "G1,D10", "D10,D10"], px_map=["code,target", "Q1,P10"]) == []


def test_remarks_come_only_when_asked_for(tmp_path: Path) -> None:
    findings = check(tmp_path, dx_list=["W,D10"], cc=["D50,1"])
    assert {f.severity for f in findings} == {"warning", "info"}
    assert {f.severity for f in check_scheme(load_scheme(tmp_path / "s"))} == {"warning"}


@pytest.mark.needs("reference")
def test_principals_without_a_group_are_found_exactly(reference_folder: Path) -> None:
    """Of one category of a published scheme: the codes named are those that the interpreter leaves without a group."""
    scheme = load_scheme(reference_folder / "chs-drg-1.1")
    listed = scheme.dx_lists["MDCG.dx"]
    lost = {code for code in listed if interpret(scheme, Case(sex=1, age=40, dx=(code,))).status == "ungrouped"}
    finding = next(f for f in check_scheme(scheme) if f.rule_id == "SCH-G002" and f.value == "MDCG")
    assert finding.message.startswith(f"{len(lost)} 个主要诊断")
    assert all(code in finding.message for code in sorted(lost)[:5])
