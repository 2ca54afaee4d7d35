"""A scheme of another edition declares what it reads: new technology, several sites, other weights; no new code."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from tongpin.base.errors import SchemeError
from tongpin.grouping.compiled.stage import group
from tongpin.grouping.tables.interpreter import Case, interpret
from tongpin.grouping.tables.read import load_scheme

TABLES = {
    "scheme.csv": "key,value\nscheme_id,third\nmdc_without_group,stop\n",
    "field.csv": (
        "field,kind,label\nnew_technique,number,新技术\nmulti_site,number,多部位\nward,text,病区\n"
        "admission_weight,number,入院体重\n"
    ),
    "mdc.csv": "seq,mdc,name,when,min_sites\n1,MDCF,循环,dx_main:F.dx,0\n2,MDCX,其他,always,0\n",
    "adrg.csv": (
        "seq,mdc,kind,adrg,rule,name,when\n1,MDCF,adrg,FA11,FA11,多部位手术,px_main:F.px & multi_site==1\n"
        "2,MDCF,adrg,FB22,FB22,手术,px_main:F.px\n3,MDCF,ambiguous,QY,QY,歧义,px_count>=1\n"
        "4,MDCF,adrg,FZ11,FZ11,内科,ward:ICU,CCU & dx_count>=2\n1,MDCX,adrg,XZ11,XZ11,其他,always\n"
    ).replace("ward:ICU,CCU & dx_count>=2", '"ward:ICU,CCU & dx_count>=2"'),
    "drg.csv": (
        "mdc,adrg,rule,seq,drg,name,when\nMDCF,FA11,FA11,1,FA119,多部位手术,always\n"
        "MDCF,FB22,FB22,1,FB221,新技术,new_technique==1\nMDCF,FB22,FB22,2,FB223,高龄,age>=70\n"
        "MDCF,FB22,FB22,3,FB225,低体重,admission_weight<2500\nMDCF,FB22,FB22,4,FB229,其他,always\n"
        "MDCF,FZ11,FZ11,1,FZ119,内科,always\nMDCX,XZ11,XZ11,1,XZ119,其他,always\n"
    ),
    "dx_list.csv": "list,code\nF.dx,I21.900\n",
    "px_list.csv": "list,code\nF.px,36.0700\n",
}

ADULT = {"sex": 1, "age": 50, "dx": ["I21.900"], "px": ["36.0700"]}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in TABLES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("row", "drg"),
    [
        ({**ADULT, "multi_site": 1, "new_technique": 1}, "FA119"),
        ({**ADULT, "new_technique": 1}, "FB221"),
        ({**ADULT, "new_technique": 0, "age": 70}, "FB223"),
        ({**ADULT, "admission_weight": 2400.0}, "FB225"),
        (ADULT, "FB229"),
        ({**ADULT, "px": ["99.9900"]}, "FQY"),
        ({**ADULT, "px": [], "dx": ["I21.900", "I10.x00"], "ward": "CCU"}, "FZ119"),
        ({**ADULT, "px": [], "dx": ["I21.900", "I10.x00"], "ward": "儿科"}, "0000"),  # the MDC is final here
        ({**ADULT, "px": [], "ward": "ICU"}, "0000"),
        ({**ADULT, "dx": ["J18.900"]}, "XZ119"),
    ],
)
def test_declared_fields_steer_grouping(folder: Path, row: dict[str, object], drg: str) -> None:
    scheme = load_scheme(folder)
    assert interpret(scheme, Case.of(row)).drg == drg
    assert group(pa.Table.from_pylist([row]), scheme).column("drg").to_pylist() == [drg]


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("multi_site,number", "age,number", "SCH-F001"),
        ("multi_site,number", "多部位,number", "SCH-F001"),
        ("ward,text", "ward,flag", "SCH-F002"),
        ("multi_site,number", "new_technique,number", "SCH-F001"),
    ],
)
def test_a_field_that_cannot_be_declared_is_refused(folder: Path, old: str, new: str, code: str) -> None:
    file = folder / "field.csv"
    file.write_text(file.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    with pytest.raises(SchemeError) as caught:
        load_scheme(folder)
    assert code in [finding.rule_id for finding in caught.value.findings]


def test_a_field_nobody_declared_is_refused_with_the_way_to_declare_it(folder: Path) -> None:
    (folder / "field.csv").unlink()
    with pytest.raises(SchemeError) as caught:
        load_scheme(folder)
    assert any("field.csv" in finding.hint for finding in caught.value.findings)
