"""An edition as prose for clerks and as a JSON Schema for editors."""

from __future__ import annotations

import json
import re
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from payment_cases import START, make_policy, write_policy

import tongpin
from tongpin.payment.policy.drafts import new_edition
from tongpin.payment.policy.json_schema import policy_schema, schema_text
from tongpin.payment.policy.leaves import Band
from tongpin.payment.policy.policy import Policy
from tongpin.payment.policy.prose import leaf_words, sections, whole_lines
from tongpin.payment.policy.vocabulary import DIMENSIONS, FAMILIES, KNOWN
from tongpin.store.home import Home

SHIPPED = sorted((Path(tongpin.__file__).parent / "policies").glob("*/*/policy.yaml"))
BANDS_IN_WORDS = "从 0 起 3，从 2 起 2.5"
BUDGET_IN_WORDS = "职工（三级 120,000,000.00 元、二级 120,000,000.00 元）；居民（"


def line_of(policy, key, on=None):
    (line,) = [line for section in sections(policy, on) for line in section.lines if line.key == key]
    return line


def test_every_parameter_has_a_family_and_every_dimension_a_name():
    assert sorted(FAMILIES) == list(range(1, 29))
    without = set(FAMILIES) - {known.family for known in KNOWN.values()}
    assert without == {number for number, family in FAMILIES.items() if family.fixed}
    assert {name for known in KNOWN.values() for name in known.by} <= set(DIMENSIONS)


@pytest.mark.parametrize(
    ("key", "leaf", "words"),
    [
        ("rate.basic_group", 760_000, "7,600.00 元"),
        ("deposit.ratio", Decimal("0.0300"), "0.03"),
        ("rate.forecast_weight", Decimal(101540), "101,540"),
        ("calendar.month_cutoff_day", 10, "10 日"),
        ("calendar.thirteenth_period", True, "是"),
        ("calendar.thirteenth_period_end", "03-31", "3 月 31 日"),
        ("deposit.base", "after_audit", "扣审核后"),
        ("outlier.exempt_groups", (), "没有"),
        ("scope.tests", ("care_type", "stay_days"), "就医类别、住院天数"),
        (
            "outlier.high.bands",
            (Band(Decimal(0), Decimal(3)), Band(Decimal(2), Decimal("2.5"))),
            "从 0 起 3，从 2 起 2.5",
        ),
    ],
)
def test_a_value_in_words(key, leaf, words):
    assert leaf_words(KNOWN[key], leaf) == words


def test_a_tree_is_read_by_names(tmp_path):
    policy = make_policy(tmp_path)
    assert line_of(policy, "outlier.high.multiple").words == "三级 3、二级 2"
    assert line_of(policy, "rate.tier_budget").words.startswith(BUDGET_IN_WORDS)
    assert line_of(policy, "fund.of_insurance").words == "职工 职工、离休 职工、居民 居民"
    assert line_of(policy, "fund.label").words == "310 职工、390 居民"
    assert line_of(policy, "scope.care_type").words == "住院 按 DRG、其余就医类别 不在口径"


def test_the_day_chooses_the_values_shown(tmp_path):
    def later(data):
        data["parameters"]["deposit.ratio"]["values"][date(2025, 7, 1)] = 0.05

    policy = make_policy(tmp_path, change=later)
    both = [line for section in sections(policy) for line in section.lines if line.key == "deposit.ratio"]
    assert [(line.since, line.words) for line in both] == [("2025-01-01", "0.03"), ("2025-07-01", "0.05")]
    assert line_of(policy, "deposit.ratio", date(2025, 6, 30)).words == "0.03"
    assert line_of(policy, "deposit.ratio", date(2025, 7, 1)).words == "0.05"
    assert line_of(policy, "deposit.ratio", date(2024, 1, 1)).words == "2024-01-01 还没有取值"


def test_a_value_says_its_authority(tmp_path):
    def confirm(data):
        reference = {START: {"title": "测试文件", "clause": "第一条"}}
        data["parameters"]["deposit.ratio"] |= {
            "assumed": False,
            "reference": reference,
            "checked_on": date(2025, 3, 1),
        }
        data["parameters"]["deposit.base"] |= {"reference": reference}

    policy = make_policy(tmp_path, change=confirm)
    assert line_of(policy, "deposit.ratio").source == "依据：测试文件，第一条（2025-03-01 核对）"
    assert line_of(policy, "deposit.base").source == "模拟（参照测试文件，第一条）"
    assert line_of(policy, "transfer.negative").source == "模拟"


def test_what_is_left_open_is_listed_by_family(tmp_path):
    policy = make_policy(tmp_path, change=lambda data: data["parameters"].pop("deposit.base"))
    by_number = {section.family.number: section for section in sections(policy)}
    assert by_number[12].open_keys == {"deposit.base": "质量保证金的基数"}
    assert by_number[14].lines == ()
    assert "special.quota_ratio" in by_number[14].open_keys


def test_the_whole_names_scheme_weights_and_dates(tmp_path):
    words = {line.key: line.words for line in whole_lines(make_policy(tmp_path))}
    assert words["scheme"] == "demo-drg"
    assert words["edition_by"] == "结算日期"
    assert words["weights"] == "weights.csv，3 组"


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: f"{path.parent.parent.name}/{path.parent.name}")
def test_every_shipped_edition_can_be_read_aloud(path):
    policy = Policy.load(path.parent)
    said = [line for section in sections(policy) for line in section.lines]
    assert {line.key for line in said} == set(policy.edition.parameters)
    assert all(line.words and line.source != "未注明依据" for line in said)


# The keywords that the schema uses, checked by hand: no validator is among the tools of the project.
_TYPES: dict[str, Any] = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
}
_TOLD = {"description", "title", "$schema", "$defs"}


def faults(schema: dict[str, Any], value: Any, root: dict[str, Any], place: str = "") -> list[str]:
    found: list[str] = []
    for word, wish in schema.items():
        match word:
            case "type":
                kinds = [wish] if isinstance(wish, str) else wish
                fits = any(
                    isinstance(value, _TYPES[kind]) and not (isinstance(value, bool) and kind != "boolean")
                    for kind in kinds
                )
                found += [] if fits else [f"{place}: {value!r} is no {wish}"]
            case "enum":
                found += [] if value in wish else [f"{place}: {value!r} not among {wish}"]
            case "const":
                found += [] if value == wish else [f"{place}: {value!r} is not {wish}"]
            case "pattern" if isinstance(value, str):
                found += [] if re.search(wish, value) else [f"{place}: {value!r} against {wish}"]
            case "minLength" | "minItems" | "minProperties" if isinstance(value, (str, list, dict)):
                found += [] if len(value) >= wish else [f"{place}: too short"]
            case "maxItems" if isinstance(value, list):
                found += [] if len(value) <= wish else [f"{place}: too long"]
            case "uniqueItems" if isinstance(value, list):
                found += [] if len({json.dumps(item) for item in value}) == len(value) else [f"{place}: twice"]
            case "minimum" if isinstance(value, (int, float)):
                found += [] if value >= wish else [f"{place}: below {wish}"]
            case "maximum" if isinstance(value, (int, float)):
                found += [] if value <= wish else [f"{place}: above {wish}"]
            case "exclusiveMinimum" if isinstance(value, (int, float)):
                found += [] if value > wish else [f"{place}: not above {wish}"]
            case "required" if isinstance(value, dict):
                found += [f"{place}: {name} is missing" for name in wish if name not in value]
            case "properties" if isinstance(value, dict):
                for name, inner in wish.items():
                    found += faults(inner, value[name], root, f"{place}.{name}") if name in value else []
            case "additionalProperties" if isinstance(value, dict):
                for name in value.keys() - schema.get("properties", {}).keys():
                    found += (
                        [f"{place}: unknown {name}"]
                        if wish is False
                        else faults(wish, value[name], root, f"{place}.{name}")
                    )
            case "propertyNames" if isinstance(value, dict):
                for name in value:
                    found += faults(wish, name, root, f"{place}.{name}")
            case "items" if isinstance(value, list):
                for index, item in enumerate(value):
                    found += faults(wish, item, root, f"{place}[{index}]")
            case "anyOf":
                found += [] if any(not faults(one, value, root) for one in wish) else [f"{place}: fits no branch"]
            case "$ref":
                found += faults(root["$defs"][wish.removeprefix("#/$defs/")], value, root, place)
            case _:
                assert word in _TOLD or word in _GUARDED, f"the schema uses {word}, which this test does not check"
    return found


_GUARDED = {
    *("pattern", "minLength", "minItems", "minProperties", "maxItems", "uniqueItems", "minimum", "maximum"),
    *("exclusiveMinimum", "required", "properties", "additionalProperties", "propertyNames", "items"),
}
"""Keywords that say nothing about values of another type."""


def as_json(value: Any) -> Any:
    """What a YAML file holds as an editor's validator sees it: keys and dates are texts."""
    if isinstance(value, dict):
        return {str(key): as_json(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [as_json(item) for item in value]
    return value.isoformat() if isinstance(value, date) else value


def checked(path: Path) -> list[str]:
    schema = policy_schema()
    return faults(schema, as_json(yaml.safe_load(path.read_text(encoding="utf-8"))), schema)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: f"{path.parent.parent.name}/{path.parent.name}")
def test_the_schema_accepts_every_shipped_edition(path):
    assert checked(path) == []


def test_the_schema_names_exactly_the_known_keys_dimensions_and_options():
    shapes = policy_schema()["properties"]["parameters"]["properties"]
    assert list(shapes) == list(KNOWN)
    for key, known in KNOWN.items():
        by = shapes[key]["properties"]["by"]
        assert by.get("items", {"enum": []})["enum"] == list(known.by)
        assert shapes[key]["properties"]["unit"] == {"const": known.unit}
        assert all(f"{option} {label}" in shapes[key]["description"] for option, label in known.options.items())


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda d: d.update(colour="red"), "unknown colour"),
        (lambda d: d.pop("scheme"), "scheme is missing"),
        (lambda d: d["edition_by"].update(value="birthday"), "birthday"),
        (lambda d: d["parameters"].update({"deposit.ratoi": {}}), "unknown deposit.ratoi"),
        (lambda d: d["parameters"]["deposit.ratio"].update(unit="fen"), "is not ratio"),
        (lambda d: d["parameters"]["deposit.ratio"].update(by=["drg"]), "not among ['fund']"),
        (lambda d: d["parameters"]["deposit.ratio"].update(values={START: -1}), "fits no branch"),
        (lambda d: d["parameters"]["deposit.base"].update(values={START: "before"}), "not among"),
        (lambda d: d["parameters"]["rate.basic_group"].update(values={START: 0}), "fits no branch"),
        (lambda d: d["parameters"]["deposit.ratio"].update(values={"soon": 0.03}), "against"),
    ],
)
def test_the_schema_marks_what_the_reader_refuses(tmp_path, change, fault):
    found = checked(write_policy(tmp_path, change=change) / "policy.yaml")
    assert any(fault in text for text in found), found


def test_a_draft_leads_editors_to_the_schema(tmp_path):
    home = Home.open(tmp_path / "home")
    draft = Path(new_edition(home, "my-city/2026", "demo-east/2025").file)
    again = Path(new_edition(home, "my-city/2027", "my-city/2026").file)
    for file in (draft, again):
        first = [line for line in file.read_text(encoding="utf-8").splitlines() if "yaml-language-server" in line]
        assert len(first) == 1
        schema = (file.parent / first[0].split("$schema=")[1]).resolve()
        assert schema.read_text(encoding="utf-8") == schema_text()
