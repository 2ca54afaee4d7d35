"""Two schemes side by side: what differs, who moves, what it weighs."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest

from tongpin.base.errors import SchemeError
from tongpin.grouping.diff import (
    Change,
    case_mix,
    changed,
    code_counts,
    compare_schemes,
    move_cases,
    move_weights,
    read_weights,
)
from tongpin.grouping.tables.model import SchemeTables
from tongpin.grouping.tables.read import load_scheme


def differences(folder: Path, file: str, old: str, new: str) -> list[Change]:
    """The changes that replacing one text of one table makes."""
    before = load_scheme(folder)
    text = (folder / file).read_text(encoding="utf-8")
    assert old in text
    (folder / file).write_text(text.replace(old, new, 1), encoding="utf-8")
    return compare_schemes(before, load_scheme(folder))


def test_a_scheme_does_not_differ_from_itself(scheme_folder: Path) -> None:
    scheme = load_scheme(scheme_folder)
    assert compare_schemes(scheme, scheme) == []


@pytest.mark.parametrize(
    ("file", "old", "new", "expected"),
    [
        (
            "scheme.csv",
            "adrg_without_leaf,next",
            "adrg_without_leaf,stop",
            ("option", "changed", "scheme.csv", "adrg_without_leaf", ("next",), ("stop",)),
        ),
        (
            "mdc.csv",
            "dx_main:MDCZ.dx,2",
            "dx_main:MDCZ.dx,3",
            (
                "mdc",
                "changed",
                "mdc.csv",
                "MDCZ",
                ("多发创伤", "dx_main:MDCZ.dx；不少于 2 个部位"),
                ("多发创伤", "dx_main:MDCZ.dx；不少于 3 个部位"),
            ),
        ),
        (
            "adrg.csv",
            "肺炎,dx_main:ES3.dx",
            "肺炎,dx_any:ES3.dx",
            ("rule", "changed", "MDCE", "ES3", ("肺炎", "ES3：dx_main:ES3.dx"), ("肺炎", "ES3：dx_any:ES3.dx")),
        ),
        (
            "adrg.csv",
            "ES3,肺炎",
            "ES3,支气管肺炎",
            ("rule", "renamed", "MDCE", "ES3", ("肺炎", "ES3：dx_main:ES3.dx"), ("支气管肺炎", "ES3：dx_main:ES3.dx")),
        ),
        ("drg.csv", "los>30", "los>60", ("leaf", "changed", "MDCH/HC2", "HC28", ("los>30",), ("los>60",))),
        ("drg_name.csv", "ES31,重", "ES31,极重", ("group", "renamed", "drg_name.csv", "ES31", ("重",), ("极重",))),
        ("dx_list.csv", "ES3.dx,J18.900", "ES3.dx,J18.901", ("diagnosis", "added", "ADRG", "J18.901", (), ("ES3",))),
        (
            "px_list.csv",
            "EC1.px2,96.7201",
            "EC1.px2,51.2300",
            ("procedure", "removed", "ADRG", "96.7201", ("EC1",), ()),
        ),
        (
            "px_list.csv",
            "HC2.px,51.2300",
            "HC2.px,33.2400",
            ("procedure", "moved", "ADRG", "33.2400", ("EC1",), ("EC1", "HC2")),
        ),
        ("valid_px.csv", "47.0100", "47.0900", ("procedure", "added", "valid_px", "47.0900", (), ("手术室手术",))),
        ("mcc.csv", "A41.900,2", "A41.901,2", ("complication", "added", "mcc/cc", "A41.901", (), ("MCC",))),
        ("cc.csv", "E11.900,3", "J96.000,3", ("complication", "changed", "mcc/cc", "J96.000", ("MCC",), ("MCC", "CC"))),
        (
            "exclusion.csv",
            "J18.900,1",
            "J18.901,1",
            ("exclusion", "changed", "mcc", "J96.000", ("J18.900",), ("J18.901",)),
        ),
        (
            "site.csv",
            "S32.000,脊柱创伤",
            "S32.000,骨盆创伤",
            ("site", "changed", "部位", "S32.000", ("脊柱创伤",), ("骨盆创伤",)),
        ),
        ("dx_map.csv", "J18.901,J18.900", "J18.902,J18.900", ("map", "added", "dx_map", "J18.902", (), ("J18.900",))),
    ],
)
def test_each_kind_of_difference(scheme_folder: Path, file: str, old: str, new: str, expected: tuple) -> None:
    assert Change(*expected) in differences(scheme_folder, file, old, new)


def test_groups_and_rules_that_come_and_go(scheme_folder: Path) -> None:
    changes = differences(
        scheme_folder, "drg.csv", "MDCH,HC2,HC2,1,HC28,久住,los>30", "MDCH,HC2,HC2,1,HC27,久住,los>30"
    )
    assert [(c.topic, c.kind, c.code) for c in changes] == [
        ("leaf", "removed", "HC28"),
        ("leaf", "added", "HC27"),
        ("group", "removed", "HC28"),
        ("group", "added", "HC27"),
    ]


def test_order_is_a_difference(scheme_folder: Path) -> None:
    changes = differences(scheme_folder, "drg.csv", "MDCE,ES3,ES3,1,ES31", "MDCE,ES3,ES3,9,ES31")
    assert [(c.kind, c.place, c.code, c.before, c.after) for c in changes] == [
        ("moved", "MDCE/ES3", "ES31", ("第 1 个",), ("第 4 个",))
    ]


def test_a_renumbered_exclusion_table_is_no_difference(scheme_folder: Path) -> None:
    before = load_scheme(scheme_folder)
    for name in ("mcc.csv", "exclusion.csv"):
        text = (scheme_folder / name).read_text(encoding="utf-8")
        (scheme_folder / name).write_text(text.replace(",1\n", ",101\n"), encoding="utf-8")
    assert compare_schemes(before, load_scheme(scheme_folder)) == []


def test_codes_are_counted_by_owner(scheme_folder: Path) -> None:
    changes = differences(scheme_folder, "dx_list.csv", "ES3.dx,J18.900", "ES3.dx,J18.901\nES3.dx,J18.902")
    assert ("diagnosis", "ADRG", "ES3", 2, 1) in code_counts(changes)


@pytest.fixture
def pair(scheme_folder: Path) -> tuple[SchemeTables, SchemeTables]:
    before = load_scheme(scheme_folder)
    text = (scheme_folder / "drg.csv").read_text(encoding="utf-8")
    (scheme_folder / "drg.csv").write_text(text.replace("mcc | cc", "cc & age<17"), encoding="utf-8")
    return before, load_scheme(scheme_folder)


CASES = pa.table(
    {
        "sex": [1] * 5,
        "age": [50, 50, 50, 5, 50],
        "dx": [["J18.900"], ["J18.900", "E11.900"], ["J18.900", "E11.900"], ["J18.900", "E11.900"], ["X"]],
        "px": pa.array([[]] * 5, pa.list_(pa.string())),
    }
)


def test_who_moves_where(pair: tuple[SchemeTables, SchemeTables]) -> None:
    moves = move_cases(CASES, *pair)
    assert sum(moves["case_count"].to_pylist()) == CASES.num_rows
    assert changed(moves).to_pylist() == [
        {
            "status_before": "grouped",
            "drg_before": "ES33",
            "status_after": "grouped",
            "drg_after": "ES35",
            "case_count": 2,
        }
    ]


def test_what_it_does_to_the_weight(pair: tuple[SchemeTables, SchemeTables]) -> None:
    moves = move_cases(CASES, *pair)
    weights = {"ES33": Decimal("0.8001"), "ES35": Decimal("0.6000")}
    before, after = case_mix(moves, "before", weights), case_mix(moves, "after", weights)
    assert (before.weight, before.weighted_count) == (Decimal("3.0003"), 4)
    assert (after.weight, after.weighted_count) == (Decimal("2.6001"), 4)
    assert before.index == Decimal("3.0003") / 4
    assert move_weights(changed(moves), weights, weights) == [Decimal("-0.4002")]
    total = sum((w for w in move_weights(moves, weights, weights) if w is not None), Decimal(0))
    assert total == after.weight - before.weight


def test_a_group_without_weight_is_named_and_not_counted_as_nothing(pair: tuple[SchemeTables, SchemeTables]) -> None:
    moves = move_cases(CASES, *pair)
    mix = case_mix(moves, "after", {"ES33": Decimal(1)})
    assert (mix.weighted_count, mix.unweighted_count, mix.missing) == (1, 3, ("ES35",))
    assert move_weights(changed(moves), {"ES33": Decimal(1)}, {}) == [None]
    assert case_mix(moves, "after", {}).index is None


def test_weights_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "w.csv"
    path.write_text("drg,weight,basic_group\nES33,0.8001,0\n", encoding="utf-8")
    assert read_weights(path) == {"ES33": Decimal("0.8001")}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("drg,points\nES33,1\n", "缺少列"),
        ("drg,weight\nES33,x\n", "不是非负小数"),
        ("drg,weight\nES33,-1\n", "不是非负小数"),
        ("drg,weight\nES33,NaN\n", "不是非负小数"),
        ("drg,weight\nES33,1\nES33,1\n", "写了两次"),
    ],
)
def test_weights_that_cannot_be_used(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "w.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SchemeError, match=words):
        read_weights(path)
