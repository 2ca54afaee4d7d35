"""Explain: the path, the facts, the complications, the reasons; words and JSON say the same."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from tongpin.grouping.explain import Reason, explain, explain_lines, reason_of
from tongpin.grouping.explain.reasons import reasons
from tongpin.grouping.tables.interpreter import Case
from tongpin.grouping.tables.model import SchemeTables, Status
from tongpin.grouping.tables.read import load_scheme

ADULT = {"sex": 1, "age": 50}
NEWBORN = {"sex": 1, "age": 0, "age_days": 3, "birth_weight": 1200}


@pytest.fixture
def scheme(scheme_folder: Path) -> SchemeTables:
    return load_scheme(scheme_folder)


def edited(folder: Path, **cells: tuple[str, str]) -> SchemeTables:
    """The small scheme with a text of a table replaced: `mdc=("old", "new")`."""
    for table, (old, new) in cells.items():
        path = folder / f"{table}.csv"
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")
    return load_scheme(folder)


def test_the_path_names_the_rules_and_the_codes_that_met_them(scheme: SchemeTables) -> None:
    told = explain(scheme, Case(**ADULT, dx=("J18.900", "J96.000", "A41.900"))).as_dict()
    assert (told["status"], told["mdc"], told["adrg"], told["drg"]) == ("grouped", "MDCE", "ES3", "ES31")
    assert [(step["level"], step["code"]) for step in told["path"]] == [
        ("mdc", "MDCE"),
        ("adrg", "ES3"),
        ("drg", "ES31"),
    ]
    assert told["path"][0]["because"] == [{"atom": "dx_main:MDCE.dx", "codes": ["J18.900"]}]
    assert told["path"][-1]["because"] == [{"atom": "mcc", "codes": ["A41.900"]}]  # J96.000 was excluded
    assert all(step["led"] for step in told["path"])


def test_each_complication_tells_its_table_and_who_excludes_it(scheme: SchemeTables) -> None:
    told = explain(scheme, Case(**ADULT, dx=("J18.900", "J96.000", "A41.900", "E11.900", "?"))).as_dict()
    said = [(one["code"], one["kind"], one["table"], one["state"], one["principal"]) for one in told["complications"]]
    assert said == [
        ("J96.000", "mcc", "1", "excluded", "J18.900"),
        ("A41.900", "mcc", "2", "counted", ""),
        ("E11.900", "cc", "3", "listed", ""),
    ]


def test_a_code_that_is_mcc_and_cc_is_told_twice(scheme_folder: Path) -> None:
    tables = edited(scheme_folder, cc=("E11.900,3\n", "E11.900,3\nJ96.000,9\n"))
    told = explain(tables, Case(**ADULT, dx=("J18.900", "J96.000")))
    assert told.outcome.drg == "ES33"
    assert [(one.kind, one.state) for one in told.complications] == [("mcc", "excluded"), ("cc", "counted")]


def test_misses_are_those_within_the_mdc_unless_all_are_asked_for(scheme: SchemeTables) -> None:
    told = explain(scheme, Case(**ADULT, dx=("J18.900",)))
    compact, full = (told.as_dict(full=full)["misses"] for full in (False, True))
    assert [miss["code"] for miss in compact] == ["EC1", "EQY", "ES31", "ES33", "ES37"]
    assert [miss["code"] for miss in full][:2] == ["MDCP", "MDCZ"]
    both = [fact["atom"] for fact in compact[0]["failed"][0]]
    assert both == ["px_main:EC1.px", "px_other:EC1.px2"], "every failing condition is told, not only the first"
    assert full[0]["failed"] == [[{"atom": "dx_main:MDCP.dx", "codes": []}, {"atom": "age==0", "value": 50}]]


def test_the_code_map_is_told(scheme: SchemeTables) -> None:
    told = explain(scheme, Case(**ADULT, dx=("J18.901",), code_map=True))
    assert told.as_dict()["input"]["dx"] == [{"code": "J18.900", "name": "", "given": "J18.901"}]
    assert "  转码：J18.901 → J18.900" in explain_lines(told)
    plain = explain(scheme, Case(**ADULT, dx=("J18.900",), code_map=True))
    assert plain.as_dict()["input"]["dx"] == [{"code": "J18.900", "name": ""}]


def test_sites_are_counted_in_the_open(scheme: SchemeTables) -> None:
    two = explain(scheme, Case(**ADULT, dx=("S06.200", "S32.000")))
    assert two.as_dict()["path"][0]["sites"] == {
        "needed": 2,
        "of": {"S06.200": "头颈部创伤", "S32.000": "脊柱创伤"},
    }
    one = explain(scheme, Case(**ADULT, dx=("S06.200",)))
    assert one.path == []
    assert "    不是 MDCZ 多发创伤：创伤部位 1 个（头颈部创伤），要求至少 2 个" in explain_lines(one)


def test_rules_that_held_and_led_nowhere_are_told(scheme: SchemeTables) -> None:
    told = explain(scheme, Case(**ADULT, dx=("K80.200",), discharge_way="1"))
    assert [(rule.code, rule.led) for rule in told.path] == [("MDCH", False), ("HZ1", False)]
    lines = explain_lines(told)
    assert any(line.endswith("没有 ADRG 给出结果，转看下一个 MDC") for line in lines)
    assert any(line.endswith("没有细分组成立，继续看下一条") for line in lines)


def test_an_adrg_can_be_the_result(scheme_folder: Path) -> None:
    tables = edited(scheme_folder, scheme=("adrg_without_leaf,next", "adrg_without_leaf,stop"))
    told = explain(tables, Case(**ADULT, dx=("K80.200",), discharge_way="1"))
    assert told.outcome.drg == "HZ1"
    assert [(rule.level, rule.code, rule.led) for rule in told.path][-2:] == [
        ("adrg", "HZ1", True),
        ("adrg_without_leaf", "HZ1", True),
    ]
    assert explain_lines(told)[-2:] == [
        "    不是 HZ19 其他肝胆：离院方式 1（要求 2、5）",
        "  HZ1 其他：没有细分组成立，结果即为 ADRG",
    ]


def test_a_second_try_names_its_procedure(scheme_folder: Path) -> None:
    tables = edited(scheme_folder, scheme=("source,测试\n", "source,测试\nretry_other_px,1\n"))
    case = Case(**ADULT, dx=("K80.200",), px=("?", "47.0100", "51.2300"), discharge_way="1")
    told = explain(tables, case)
    assert told.outcome.drg == "HC29"
    assert [one.px for one in told.rounds] == [("?", "47.0100", "51.2300"), ("47.0100",), ("51.2300",)]
    assert {rule.round for rule in told.path if rule.led} == {2}
    assert "  换手术再试：只看 51.2300" in explain_lines(told)


def test_the_explanation_in_words(scheme: SchemeTables) -> None:
    assert explain_lines(explain(scheme, Case(**ADULT, dx=("J18.900", "A41.900", "J96.000")))) == [
        "分组成功：ES31 重",
        "  MDCE 呼吸：主要诊断 J18.900 在清单 MDCE.dx",
        "  ES3 肺炎：主要诊断 J18.900 在清单 ES3.dx",
        "  ES31 肺炎伴严重并发症：计入的 MCC：A41.900",
        "  MCC 计入：A41.900（排除表 2）",
        "  MCC 不计：J96.000，与主要诊断 J18.900 同在排除表 1",
    ]
    child = explain_lines(explain(scheme, Case(sex=2, age=5, dx=("J18.900",))))
    assert child[-3:] == [
        "    不是 ES31 肺炎伴严重并发症：没有计入的 MCC",
        "    不是 ES33 肺炎伴并发症：没有计入的 MCC；或者 没有计入的 CC",
        "  ES37 儿童肺炎：年龄 5 岁（要求 < 17 岁）",
    ]
    trauma = explain_lines(explain(scheme, Case(**ADULT, dx=("S06.200", "S32.000"))))
    assert trauma[-2:] == ["  ZZ1 无手术：没有手术操作", "  ZZ19 多发创伤：无须其他条件"]
    operated = explain(scheme, Case(**ADULT, dx=("S06.200", "S32.000"), px=("51.2300",)))
    refused = "    不是 ZZ1 无手术：任一手术 51.2300 在手术室手术清单 valid_px（要求不在）"
    assert refused in explain_lines(operated)


def test_declared_fields_are_called_by_their_label(scheme_folder: Path) -> None:
    (scheme_folder / "field.csv").write_text("field,kind,label\nnew_technology,number,新技术\n", encoding="utf-8")
    tables = edited(scheme_folder, drg=("久住,los>30", "久住,new_technology==1"))
    told = explain(tables, Case(**ADULT, dx=("K80.200",), px=("51.2300",), extra={"new_technology": 1}))
    assert explain_lines(told)[-1] == "  HC28 久住：新技术 1（要求 1）"
    assert told.as_dict()["input"]["new_technology"] == 1


REASONS = [
    (Case(age=50, dx=("J18.900",)), "check_sex", ""),
    (Case(sex=9, age=50, dx=("J18.900",)), "check_sex", ""),
    (Case(sex=1, dx=("J18.900",)), "check_age", ""),
    (Case(sex=1, age=0, dx=("P07.300",)), "check_age_days", ""),
    (Case(sex=1, age=0, age_days=28, dx=("P07.300",)), "check_birth_weight", ""),
    (Case(**ADULT, dx=("J18.900", "Q99"), code_map=True), "dx_not_mapped", "Q99"),
    (Case(**ADULT, dx=("J18.900",), px=("1.1",), code_map=True), "px_not_mapped", "1.1"),
    (Case(**ADULT, dx=("J18.900",), px=("47.0100",)), "ambiguous", "MDCE"),
    (Case(**ADULT), "no_principal", ""),
    (Case(**ADULT, dx=("?",)), "principal_unknown", "?"),
    (Case(**ADULT, dx=("R17.x00",)), "principal_in_no_mdc", "R17.x00"),
    (Case(**ADULT, dx=("P07.300",)), "mdc_refused_age", "MDCP"),
    (Case(**ADULT, dx=("S06.200",)), "mdc_refused_sites", "MDCZ"),
    (Case(**ADULT, dx=("S06.200", "S32.000"), px=("51.2300",)), "no_adrg", "MDCZ"),
    (Case(**ADULT, dx=("K80.200",), discharge_way="1"), "adrg_without_leaf", "HZ1"),
    (Case(**ADULT, dx=("K80.200",), px=("51.2300",)), "grouped", "HC29"),
]


@pytest.mark.parametrize(("case", "code", "detail"), REASONS)
def test_every_refusal_has_its_reason(scheme: SchemeTables, case: Case, code: str, detail: str) -> None:
    reason = reason_of(scheme, case)
    assert (reason.code, reason.detail) == (code, detail)
    assert explain(scheme, case).as_dict()["reason"] == {"code": code, "label": reason.label, "detail": detail}
    told = "\n".join(explain_lines(explain(scheme, case)))
    assert (reason.label in told) is (code != "grouped")


@pytest.mark.parametrize(
    ("when", "case", "code"),
    [
        ("dx_main:MDCH.dx & sex==2", Case(**ADULT, dx=("K80.200",)), "mdc_refused_sex"),
        ("dx_main:MDCH.dx & los>3", Case(**ADULT, dx=("K80.200",), los=3), "mdc_refused"),
        # An MDC that operated cases enter whatever their diagnosis says nothing of the principal.
        ("px_main:valid_px", Case(**ADULT, dx=("R17.x00",), px=("47.0100",)), "principal_in_no_mdc"),
    ],
)
def test_why_an_mdc_was_not_the_one(scheme_folder: Path, when: str, case: Case, code: str) -> None:
    assert reason_of(edited(scheme_folder, mdc=("dx_main:MDCH.dx", when)), case).code == code


def test_the_set_of_reasons_is_closed_and_every_one_is_shown_here() -> None:
    shown = {code for _, code, _ in REASONS} | {"mdc_refused_sex", "mdc_refused"}
    assert set(reasons()) == shown
    with (Path(__file__).parents[2] / "src/tongpin/grouping/explain/reasons.csv").open(encoding="utf-8") as file:
        assert {row["status"] for row in csv.DictReader(file)} == {str(status) for status in Status}
    assert all(isinstance(one, Reason) and one.label for one in reasons().values())


def test_json_holds_no_other_types(scheme: SchemeTables) -> None:
    for case, _, _ in REASONS:
        told = explain(scheme, case).as_dict(full=True)
        assert json.loads(json.dumps(told, ensure_ascii=False)) == told
        assert told["format"] == 1


def test_every_reason_is_documented() -> None:
    text = (Path(__file__).parents[2] / "docs/explain.md").read_text(encoding="utf-8")
    assert [code for code, one in reasons().items() if f"| `{code}` |" not in text or one.label not in text] == []
