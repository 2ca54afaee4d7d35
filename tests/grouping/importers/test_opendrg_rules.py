"""OpenDRG's conditions: each known construct has one meaning, and an unknown one is refused with its place."""

from __future__ import annotations

import ast
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opendrg_checkout import FILES, adrg, checkout

from tongpin.base.findings import Finding
from tongpin.grouping.importers.alternatives import when_text
from tongpin.grouping.importers.draft import Draft
from tongpin.grouping.importers.opendrg import checkout as opendrg
from tongpin.grouping.importers.opendrg.leaves import Leaves
from tongpin.grouping.importers.opendrg.source import Checkout, Module, split_variables
from tongpin.grouping.tables.when import compare, parse_when

HEAD = """
def group(record):
  adrg_zd=["A01"]
  adrg_zd1=["A02"]
  adrg_ss=["51.2","51.3","51.4"]
  adrg_ss1=["1","2","1"]
  adrg_ss2=[]
  dept_list=[]
  ss_matched=[adrg_ss1[adrg_ss.index(x)] for x in record.ssList if x in adrg_ss]
"""


def translate(test: str, root: Path = Path()) -> tuple[str, list[Finding]]:
    tree = ast.parse(f"{HEAD}  if {test}:\n    return True\n")
    function = tree.body[0]
    assert isinstance(function, ast.FunctionDef)
    draft = Draft()
    variables, left = split_variables(function)
    assert isinstance(left[0], ast.If)
    condition = Leaves(Checkout(root, draft)).condition(Module("ADRG/XX1.py", tree), "XX1", variables, left[0].test)
    return when_text(condition), draft.findings


MCC = "has_mcc(record.zdList[0],record.zdList[1:])"
CC = "has_cc(record.zdList[0],record.zdList[1:])"


@pytest.mark.parametrize(
    ("test", "when"),
    [
        ("True", "always"),
        ("False and record.ssList and intersect(SS_VALID,record.ssList)", "never"),
        ("True and record.zdList[0] in adrg_zd", "dx_main:XX1.dx"),
        ("intersect(record.zdList,adrg_zd)", "dx_any:XX1.dx"),
        ("intersect(record.zdList[1:],adrg_zd1)", "dx_other:XX1.dx1"),
        ("record.zdList[0] not in adrg_zd", "!dx_main:XX1.dx"),
        ("True and record.ssList and record.ssList[0] in adrg_ss", "px_main:XX1.px"),
        ("record.ssList and intersect(record.ssList[1:],adrg_ss2)", "px_other:XX1.px2"),
        ("record.ssList and record.ssList[0] in adrg_ss and intersect(record.ssList,adrg_ss)", "px_main:XX1.px"),
        ("len(record.ssList)>1 and intersect(record.ssList[1:],['96.04'])", "px_other:XX1.px"),
        ("record.ssList and '39.65' in record.ssList", "px_any:XX1.px"),
        ("len(record.ssList)>=3", "px_count>=3"),
        ("record.ssList and record.ssList[0] in SS_VALID", "px_main:valid_px"),
        ("record.ssList and intersect(SS_VALID,record.ssList)", "px_any:valid_px"),
        ("not intersect(record.ssList,SS_VALID)", "!px_any:valid_px"),
        ("(not record.ssList or record.ssList[0] not in SS_VALID)", "!px_main:valid_px"),
        ("(not record.ssList or not record.ssList[0] in SS_VALID)", "!px_main:valid_px"),
        (
            "record.ssList and (record.ssList[0] in SS_VALID or record.ssList[0] in ['96.04'])",
            "px_main:valid_px | px_main:XX1.px",
        ),
        ("'1' in ss_matched and '2' in ss_matched", "px_any:XX1.px.class1 & px_any:XX1.px.class2"),
        ("('1' in ss_matched) or ('2' in ss_matched)", "px_any:XX1.px.class1 | px_any:XX1.px.class2"),
        (f"len(record.zdList)>1 and {MCC}", "mcc"),
        (f"len(record.zdList)>1 and ({MCC} or {CC})", "mcc | cc"),
        (f"record.age<=6 and len(record.zdList)>1 and ({MCC} or {CC})", "age<=6 & mcc | age<=6 & cc"),
        ('int(record.age)==0 and record.gender=="1"', "age==0 & sex==1"),
        ("record.gender==2", "sex==2"),
        ("record.gender in [1,'1','男']", "sex==1"),
        ("record.ageDay!=None and record.ageDay<=28", "age_days<=28"),
        ("record.weight and record.weight<1500", "birth_weight>0 & birth_weight<1500"),
        ("record.weight and record.weight>=2500", "birth_weight>=2500"),
        ("record.weight<1000", "birth_weight<1000"),
        ("1<=record.icuHours<=120", "icu_hours>=1 & icu_hours<=120"),
        ("7<record.inHospitalTime<=30", "los>7 & los<=30"),
        ("record.inHospitalTime<5 and record.leavingType in ['2','5']", "los<5 & discharge_way:2,5"),
        ("record.dept=='ICU'", "dept==ICU"),
        ("record.dept in dept_list", "never"),
    ],
)
def test_each_construct_has_one_meaning(test: str, when: str) -> None:
    assert translate(test) == (when, [])


@pytest.mark.parametrize(
    ("test", "message"),
    [
        ("record.amount>5", "不认识的病案字段 amount"),
        ("record.age<limit", "没有定义的名称 limit"),
        ("record.age<'17'", "只能与写明的数字比较"),
        ("record.zdList[2] in adrg_zd", "不认识的条件"),
        ("record.zdList[0] in SS_VALID", "SS_VALID 是手术清单，不能与诊断比较"),
        ("has_mcc(record.zdList[1],record.zdList)", "并发症判断的参数不对"),
        ("record.gender==3", "性别不能是 3"),
        ("any(record.ssList)", "不认识的调用"),
        ("MDCX_DRG.XX11_group(record)", "没有 MDCX_DRG 的文件"),
        ("record.age!=None", "只看有没有填，方案表里写不了"),
        ("record.zdList[0].startswith('A')", "不认识的调用"),
        ("record.age+1<17", "不认识的条件"),
        ("record.zdList[0] in [3.5,adrg_zd]", "编码清单里只能写带引号的编码"),
    ],
)
def test_an_unknown_construct_is_refused_with_its_line(tmp_path: Path, test: str, message: str) -> None:
    when, (finding,) = translate(f"True and {test}", tmp_path)
    assert when == "never"
    assert (finding.rule_id, finding.severity, finding.file, finding.record) == ("SCH-P004", "error", "ADRG/XX1.py", 10)
    assert finding.message.startswith(message)
    assert finding.value
    assert finding.hint


@pytest.mark.parametrize(
    ("test", "message"),
    [
        (" and ".join(f"(record.age<{n} or record.age>{n + 50})" for n in range(20, 40)), "条件展开后的可能太多"),
        ("not " * 1500 + "record.age<17", "条件套得太深"),
    ],
)
def test_a_condition_out_of_all_proportion_is_refused(test: str, message: str) -> None:
    when, (finding,) = translate(test)
    assert (when, finding.message) == ("never", message)


BROKEN = {
    "MDC/MDCE.py": FILES["MDC/MDCE.py"].replace("  result=EF1.group(record)", "  result=compute(record)"),
    "ADRG/EF2.py": adrg("EF2", "record.color=='red'", [("MDCE_DRG.EF29_group", "EF29")]),
    "ADRG/ES1.py": adrg("ES1", "record.zdList[0] in adrg_zd", [("MDCE_DRG.ES15_group", "AH19")]),
    "DRG/MDCA_DRG.py": "def AH1B_group(record)\n  return True\n",
    "DATA/MCC.dat": "version https://git-lfs.github.com/spec/v1\noid sha256:0\n",
    "DATA/CC.dat": " E11.9 3\n肺炎 E11.9\n",
    "DATA/CCE.dat": None,
}


def test_every_fault_is_found_in_one_go(tmp_path: Path) -> None:
    draft = opendrg.read(checkout(tmp_path, BROKEN))
    found = {(finding.rule_id, finding.file, finding.record) for finding in draft.findings}
    assert {
        ("SCH-P001", "DATA/CCE.dat", 0),
        ("SCH-P002", "DRG/MDCA_DRG.py", 1),
        ("SCH-P003", "MDC/MDCE.py", 12),
        ("SCH-P004", "ADRG/EF2.py", 9),
        ("SCH-P005", "DATA/MCC.dat", 1),
        ("SCH-P005", "DATA/CC.dat", 1),
    } <= found
    messages = " ".join(finding.message for finding in draft.findings)
    assert "MDCE 的规则 ES1 返回了 AH19" in messages
    assert "git lfs pull" in " ".join(finding.hint for finding in draft.findings)


@pytest.mark.parametrize(
    ("path", "old", "new", "message"),
    [
        ("Grouper.py", "  result=MDCE.group(record)", "  result=MDCE.group(other)", "不认识的语句"),
        ("Grouper.py", "def group(", "def start(", "文件里没有函数 group"),
        ("MDC/MDCE.py", "result=EF1.group(record)", "result=EF7.group(record)", "调用了 EF7，但没有文件 ADRG/EF7.py"),
        ("MDC/MDCE.py", "return 'EQY'", "return 'AQY'", "不认识的语句"),
        ("MDC/MDCE.py", "  if not (True", "  while not (True", "MDC 开头应是进入条件"),
        ("ADRG/ES1.py", "  else:\n    return ''", "  else:\n    return 'ES1'", "条件不成立时应返回空"),
        ("ADRG/ES1.py", "return 'ES13'", "return group", "细分组应返回一个组的代码"),
        ("ADRG/ES1.py", "adrg_zd=['J18.9']", "adrg_zd=[J18]", "编码清单里只能写带引号的编码"),
        ("DRG/MDCE_DRG.py", "def ES15_group", "def ES19_group", "DRG/MDCE_DRG.py 里没有函数 ES15_group"),
        (
            "DRG/MDCE_DRG.py",
            "  return True\ndef EF19",
            "  return MDCE_DRG.EF29_group(record)\ndef EF19",
            "又问到了自己",
        ),
    ],
)
def test_a_broken_file_is_refused_with_a_reason(tmp_path: Path, path: str, old: str, new: str, message: str) -> None:
    text = FILES[path]
    assert old in text
    draft = opendrg.read(checkout(tmp_path, {path: text.replace(old, new)}))
    assert draft.broken
    assert message in " ".join(finding.message for finding in draft.findings)


def test_data_that_the_source_itself_reads_oddly_is_warned_of(tmp_path: Path) -> None:
    files = {
        "DATA/MCC.dat": "\ufeffJ96.0 1\n",
        "DATA/CCE.dat": "J18.9 1 \n",
        "ICD/ZD_MAP.dat": "J18.9 J18.9\nR69 -\n",
        "ICD/SS_MAP.dat": None,
        "DATA/CC.dat": "编码 排除表\n E11.8 3\nE11.9 3\n",
    }
    draft = opendrg.read(checkout(tmp_path, files))
    assert not draft.broken
    assert [finding.rule_id for finding in draft.findings] == [
        "SCH-P015",
        "SCH-P005",
        "SCH-P014",
        "SCH-P001",
        "SCH-P012",
    ]
    assert "有 2 行的行首不是编码" in draft.findings[1].message
    assert [row["code"] for row, _ in draft.rows["cc"]] == ["E11.9"]
    assert [row["code"] for row, _ in draft.rows["mcc"]] == ["\ufeffJ96.0"]
    assert [row["code"] for row, _ in draft.rows["dx_map"]] == ["J18.9"]


ATOMS = [
    "record.zdList[0] in adrg_zd",
    "intersect(record.zdList,adrg_zd)",
    "intersect(record.zdList[1:],adrg_zd)",
    "(record.ssList and record.ssList[0] in adrg_ss)",
    "intersect(record.ssList,adrg_ss)",
    "intersect(record.ssList[1:],adrg_ss)",
    "record.ssList",
    "len(record.ssList)>1",
    "len(record.zdList)>1",
    "(record.ageDay!=None and record.ageDay<=28)",
    "(record.weight and record.weight>=2500)",
    "(record.weight and record.weight<1500)",
    "record.age<17",
    "record.age<=14",
    "record.gender=='1'",
]
TESTS = st.recursive(
    st.sampled_from(ATOMS),
    lambda inner: st.one_of(
        inner.map(lambda part: f"(not {part})"),
        st.tuples(inner, st.sampled_from([" and ", " or "]), inner).map(lambda parts: f"({''.join(parts)})"),
    ),
    max_leaves=6,
)
RECORDS = st.builds(
    SimpleNamespace,
    zdList=st.lists(st.sampled_from(["A01", "B02"]), min_size=1, max_size=3),
    ssList=st.lists(st.sampled_from(["51.2", "60.1"]), max_size=3),
    ageDay=st.sampled_from([None, 3, 28, 29]),
    weight=st.sampled_from([None, 0, 900, 1500, 2500]),
    age=st.sampled_from([0, 14, 15, 17]),
    gender=st.sampled_from(["1", "2"]),
)


def holds(when: str, record: SimpleNamespace) -> bool:
    """The meaning of a `when` on a record, written out once more for the comparison."""
    lists = {"XX1.dx": {"A01"}, "XX1.px": {"51.2", "51.3", "51.4"}}
    numbers = {
        "age": record.age,
        "age_days": record.ageDay,
        "birth_weight": record.weight,
        "sex": int(record.gender),
        "px_count": len(record.ssList),
        "dx_count": len(record.zdList),
    }

    def atom(one: object) -> bool:
        if one.list_name:
            codes = record.zdList if one.kind.startswith("dx") else record.ssList
            place = one.kind.partition("_")[2]
            some = {"main": codes[:1], "any": codes, "other": codes[1:]}[place]
            return bool(set(some) & lists[one.list_name]) != one.negated
        value = numbers[one.kind]
        return (value is not None and compare(value, one.op, one.number)) != one.negated

    return any(all(atom(one) for one in clause) for clause in parse_when(when))


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(test=TESTS, records=st.lists(RECORDS, min_size=5, max_size=20))
def test_a_translated_condition_holds_where_python_says(test: str, records: list[SimpleNamespace]) -> None:
    when, findings = translate(test)
    refused = [finding.message for finding in findings]
    if refused:
        assert refused == ["只看有没有填，方案表里写不了"]  # the opposite of "is given" has no place in a table
        return
    names = {
        "intersect": lambda some, others: any(code in others for code in some),
        "adrg_zd": ["A01"],
        "adrg_ss": ["51.2", "51.3", "51.4"],
    }
    for record in records:
        assert holds(when, record) == bool(eval(test, {**names, "record": record})), (test, when)
