"""Own files 自己的规则: which rules a home keeps of its own, and where they differ from what is shipped."""

from __future__ import annotations

import csv
from importlib.resources import files
from typing import TYPE_CHECKING, Any, NamedTuple

from tongpin.base.errors import TongpinError
from tongpin.base.strict_yaml import load_strict_yaml
from tongpin.measures.catalogue import catalogue_folder
from tongpin.measures.desks import own_folder as own_measures
from tongpin.measures.evaluation.catalogue import FILE as EVALUATION
from tongpin.measures.evaluation.catalogue import own_file as own_evaluation
from tongpin.measures.guokao.catalogue import FOLDER, SECONDARY, TERTIARY
from tongpin.measures.guokao.tables import CALENDAR, GRADES, TARGETS, own_folder, weights_file

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable
    from pathlib import Path

    from tongpin.store.home import Home

ABSENT = "—"


class OwnDifference(NamedTuple):
    """An item that the home's file says otherwise."""

    item: str
    shipped: str
    own: str


class OwnFile(NamedTuple):
    """A file of rules of the home: what it is, its path in the home, and how it differs; `fault`: it cannot be read."""

    label: str
    file: str
    only_written: bool
    differences: tuple[OwnDifference, ...]
    fault: str


def own_files(home: Home) -> list[OwnFile]:
    """Every file of rules that the home keeps, beside the shipped one that it stands for."""
    guokao = own_folder(home)
    pairs: list[tuple[str, Path, Traversable | None, bool]] = [
        (label, guokao / name, catalogue_folder(FOLDER) / name, False)
        for label, name in (
            ("国考权重（三级）", weights_file(TERTIARY)),
            ("国考权重（二级）", weights_file(SECONDARY)),
            ("国考等级", GRADES),
            ("国考目标区间", TARGETS),
            ("国考日历", CALENDAR),
        )
    ]
    pairs.append(("绩效评价表", own_evaluation(home), catalogue_folder("measures") / EVALUATION, False))
    pairs.append(("职责矩阵", home.root / "duties.yaml", catalogue_folder("documents") / "duties.yaml", True))
    settings = files("tongpin") / "catalogue" / "workbench" / "settings.yaml"
    pairs.append(("工作台参数", home.root / "workbench.yaml", settings, True))
    pairs += [("自定指标", path, None, True) for path in sorted(own_measures(home).glob("*.yaml"))]
    return [
        _compared(home, label, own, shipped, only_written=only) for label, own, shipped, only in pairs if own.is_file()
    ]


def _compared(home: Home, label: str, own: Path, shipped: Traversable | None, *, only_written: bool) -> OwnFile:
    name = str(own.relative_to(home.root))
    try:
        mine, theirs = _flat(own), {} if shipped is None else _flat(shipped)
    except TongpinError as error:
        return OwnFile(label, name, only_written, (), error.message)
    items = mine if only_written else {**theirs, **mine}
    found = [
        OwnDifference(item, theirs.get(item, ABSENT), mine.get(item, ABSENT))
        for item in items
        if theirs.get(item) != mine.get(item)
    ]
    return OwnFile(label, name, only_written, tuple(found), "")


def _flat(path: Path | Traversable) -> dict[str, str]:
    """A file as item → text: a table by its first column, YAML by the path of keys."""
    if path.name.endswith(".csv"):
        rows = list(csv.DictReader(path.read_text(encoding="utf-8-sig").splitlines()))
        return {
            f"{next(iter(row.values()))} {name}": value or "" for row in rows for name, value in list(row.items())[1:]
        }
    return dict(_leaves(load_strict_yaml(path, "catalogue"), ""))


def _leaves(value: Any, place: str) -> list[tuple[str, str]]:
    if isinstance(value, dict):
        return [leaf for key, one in value.items() for leaf in _leaves(one, f"{place}.{key}".lstrip("."))]
    if isinstance(value, list) and any(isinstance(one, (dict, list)) for one in value):
        return [leaf for number, one in enumerate(value, 1) for leaf in _leaves(one, f"{place}.{_named(one, number)}")]
    if isinstance(value, list):
        return [(place, "、".join(map(str, value)))]
    return [(place, str(value))]


def _named(one: Any, number: int) -> str:
    """What an item of a list is called: by its id where it has one."""
    if isinstance(one, dict):
        return str(one.get("id") or one.get("measure") or number)
    return str(number)
