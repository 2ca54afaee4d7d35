"""The files of a JSON package 规则包的文件: found, read, checked for shape; a fault has file, line and key."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tongpin.grouping.importers.draft import Place

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tongpin.grouping.importers.draft import Draft

VERSIONS = ("src", "data", "versions")
_DATED = re.compile(r"(?P<series>.+)-(?P<year>\d{4})(?:\.(?P<month>\d{2}))?")
_SHAPES = {list: "数组 […]", dict: "对象 {…}", str: "文字", bool: "true 或 false"}


def version_folders(root: Path) -> list[Path]:
    """The versions of a checkout (`src/data/versions/*` with a config)."""
    folder = root.joinpath(*VERSIONS)
    return sorted(path.parent for path in folder.glob("*/config.json"))


@dataclass(slots=True)
class Source:
    """The data folder of a checkout and the draft that takes what is found in it."""

    data: Path
    draft: Draft
    lines: dict[Path, dict[tuple[str, str], int]] = field(default_factory=dict)

    def place(self, path: Path, column: str = "", code: tuple[str, str] = ("", "")) -> Place:
        """A place in a file; `code` is a key and its value whose line is looked up, such as `("drgCode", "BR21")`."""
        name = path.relative_to(self.data).as_posix() if path.is_relative_to(self.data) else path.name
        return Place(name, self.lines.get(path, {}).get(code, 0), column)

    def fault(self, rule_id: str, place: Place, value: Any, message: str, hint: str) -> None:
        """Something that cannot be taken."""
        self.draft.fault(rule_id, place, _shown(value), message, hint)

    def warn(self, place: Place, value: Any, message: str, hint: str) -> None:
        """Something that was taken with care."""
        self.draft.fault("SCH-J013", place, _shown(value), message, hint, severity="warning")

    def load(self, path: Path, shape: type, keys: Iterable[str] = ()) -> Any:
        """The content of a JSON file of a shape (list or dict); empty after a fault.

        `keys`: those whose values (codes) are looked for in the text, so that faults can name a line.
        """
        try:
            text = path.read_bytes().decode("utf-8-sig")
        except OSError:
            self.fault(
                "SCH-J001", self.place(path), "", f"缺少文件 {path.name}", "用完整的检出，或先运行源项目的数据构建"
            )
            return shape()
        except UnicodeDecodeError:
            self.fault("SCH-J001", self.place(path), "", f"{path.name} 不是 UTF-8 文本", "另存为 UTF-8")
            return shape()
        if path not in self.draft.read_files:
            self.draft.read_files.append(path)
        try:
            content = json.loads(text)
        except json.JSONDecodeError as error:
            place = self.place(path)._replace(row=error.lineno)
            self.fault("SCH-J001", place, "", f"不成 JSON：{error.msg}（第 {error.colno} 个字符）", "改正这一处的写法")
            return shape()
        for key in keys:
            found = re.compile(rf'"{key}"\s*:\s*"(?P<value>[^"\\]*)"')
            for number, line in enumerate(text.splitlines(), start=1):
                for match in found.finditer(line):
                    self.lines.setdefault(path, {}).setdefault((key, match["value"]), number)
        return content if self.has_shape(content, shape, self.place(path)) else shape()

    def has_shape(self, value: Any, shape: type, place: Place) -> bool:
        """Whether a value has a shape; a fault otherwise."""
        if isinstance(value, shape):
            return True
        self.fault("SCH-J002", place, value, f"这里应是{_SHAPES[shape]}", "改成这种写法")
        return False

    def only_keys(self, values: dict[str, Any], known: Iterable[str], place: Place, what: str) -> None:
        """A fault for every key that the layout does not have: it could change the meaning."""
        for key, value in values.items():
            if key not in known:
                where = place._replace(column=f"{place.column}.{key}".lstrip("."))
                hint = f"已知的键：{'、'.join(known)}；它若改变入组，本程序须先学会"
                self.fault("SCH-J003", where, value, f"{what}里有不认识的键 {key}", hint)

    def texts(self, value: Any, place: Place) -> list[str]:
        """A list of non-empty texts; also `{"code": …}` objects, as some lists write their codes."""
        if not self.has_shape(value, list, place):
            return []
        plain = [one.get("code") if isinstance(one, dict) else one for one in value]
        for one in plain:
            if not isinstance(one, str) or not one.strip():
                self.fault("SCH-J002", place, one, "这里应是非空的文字", "写编码，例如 K80.100")
        return [one.strip() for one in plain if isinstance(one, str) and one.strip()]

    def codes(self, path: Path, *, overlay: bool = False) -> dict[str, bool]:
        """A code set written as `{"code": true}`; an overlay may also write false, which takes a code away."""
        content = self.load(path, dict)
        for code, value in content.items():
            if value is not True and not (overlay and value is False):
                self.fault("SCH-J002", self.place(path, code), value, "这里应是 true", "编码表写作 {编码: true}")
        return {code.strip(): value is True for code, value in content.items()}

    def words(self, path: Path) -> dict[str, str]:
        """A table written as `{"code": "text"}`; keys that begin with an underscore are helpers of the source."""
        content = self.load(path, dict)
        table: dict[str, str] = {}
        for code, value in content.items():
            if code.startswith("_"):
                continue
            if isinstance(value, str | int) and not isinstance(value, bool):
                table[code.strip()] = str(value).strip()
            else:
                self.fault("SCH-J002", self.place(path, code), value, "这里应是文字", "写作 {编码: 文字}")
        return table


@dataclass(frozen=True, slots=True)
class Dictionary:
    """The insurance codes of a version: names, grey codes and the way from clinical codes."""

    dx_names: dict[str, str]
    px_names: dict[str, str]
    gray_dx: frozenset[str]
    gray_px: frozenset[str]
    dx_map: dict[str, str]
    px_map: dict[str, str]


def read_dictionary(source: Source, clinical: str, insurance: str) -> Dictionary:
    """The dictionaries that a common package names; a dated package is laid over the one before it."""
    data = source.data / "icd-datasets"
    insurances = _chain(data / "insurance", insurance)
    if not (data / "insurance" / insurance).is_dir():
        place = source.place(data / "insurance" / insurance)
        source.fault("SCH-J001", place, insurance, f"没有医保编码包 {insurance}", "用完整的检出")
    names = [_names(source, insurances, f"icd_yb_names_{kind}.json") for kind in ("diag", "proc")]
    grays = [_grays(source, insurances, f"icd{number}_gray_codes.json") for number in (10, 9)]
    maps = [_crosswalk(source, clinical, insurance, kind) for kind in ("icdGlToYbRaw", "icd9GlToYbRaw")]
    clinicals = _chain(data / "clinical", clinical)
    for table, kind, known in zip(maps, ("diag", "proc"), names, strict=True):
        if table:
            own = _names(source, clinicals, f"icd_gl_names_{kind}.json", needed=False)
            for code in (*own, *known):
                table.setdefault(code, code)
    return Dictionary(names[0], names[1], grays[0], grays[1], maps[0], maps[1])


def _chain(folder: Path, package: str) -> list[Path]:
    """The packages that a package is laid over, oldest first: `yb-2.0-2026` over `yb-2.0`."""
    match = _DATED.fullmatch(package)
    if match is None:
        return [folder / package]
    release = (match["year"], match["month"] or "00")
    earlier = [
        (found["year"], found["month"] or "00", path.name)
        for path in folder.glob(f"{match['series']}-*")
        if (found := _DATED.fullmatch(path.name)) and found["series"] == match["series"]
    ]
    before = max((one for one in earlier if one[:2] < release), default=None)
    base = before[2] if before else match["series"]
    return [*(_chain(folder, base) if (folder / base).is_dir() else []), folder / package]


def _names(source: Source, packages: list[Path], file: str, *, needed: bool = True) -> dict[str, str]:
    names: dict[str, str] = {}
    for index, package in enumerate(packages):
        path = package / "generated" / file
        if path.is_file() or (index == 0 and needed and package.is_dir()):
            names |= source.words(path)
        removed = package / "generated" / "removed_codes.json"
        if removed.is_file():
            for code in source.texts(source.load(removed, list), source.place(removed)):
                names.pop(code, None)
    return names


def _grays(source: Source, packages: list[Path], file: str) -> frozenset[str]:
    grays: dict[str, bool] = {}
    for index, package in enumerate(packages):
        path = package / "generated" / file
        if path.is_file() or (index == 0 and package.is_dir()):
            grays |= source.codes(path, overlay=index > 0)
    return frozenset(code for code, gray in grays.items() if gray)


def _crosswalk(source: Source, clinical: str, insurance: str, kind: str) -> dict[str, str]:
    """Changed codes from clinical to insurance, the pair of the older packages first."""
    data = source.data / "icd-datasets"
    clinicals, insurances = _chain(data / "clinical", clinical), _chain(data / "insurance", insurance)
    pairs = [(clinical, insurance)]
    while len(clinicals) > 1 or len(insurances) > 1:
        clinicals, insurances = clinicals[:-1] or clinicals, insurances[:-1] or insurances
        pairs.append((clinicals[-1].name, insurances[-1].name))
    table: dict[str, str] = {}
    for one, other in reversed(pairs):
        folder = source.data / "crosswalks" / f"{one}__{other}" / "generated"
        path = folder / {"icdGlToYbRaw": "icd_gl_yb_map.json", "icd9GlToYbRaw": "icd9cm3_gl_yb_map.json"}[kind]
        if path.is_file():
            content = source.load(path, dict)
            inner = content.get("mapping", content)
            for code, target in inner.items() if isinstance(inner, dict) else ():
                if isinstance(target, str):
                    table[code.strip()] = target.strip()
                else:
                    source.fault("SCH-J002", source.place(path, code), target, "这里应是目标编码", "写作 {编码: 编码}")
        removed = folder / "removed_codes.json"
        if removed.is_file():
            gone = source.load(removed, dict).get(kind, [])
            for code in source.texts(gone, source.place(removed, kind)):
                table.pop(code, None)
    return table


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
