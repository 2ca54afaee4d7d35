"""The DIP catalogue 病种目录: core and composite diseases with their history, as a folder of CSV tables.

`catalogue.csv` says how it was made, `group.csv` holds the diseases; the other tables may be absent. A catalogue is
known by the digest of its tables, so that a price can always name the catalogue it rests on.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from tongpin.base.digest import text_digest
from tongpin.base.errors import PolicyError
from tongpin.base.money import SCALE, parse_yuan
from tongpin.payment.dip.prefixes import Prefixes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

CORE, COMPOSITE, SPECIAL = "core", "composite", "special"
KIND_LABELS = {CORE: "核心病种", COMPOSITE: "综合病种", SPECIAL: "特殊病种"}

SURGERY, THERAPEUTIC, DIAGNOSTIC, CONSERVATIVE = "surgery", "therapeutic", "diagnostic", "conservative"
TYPE_LABELS = {
    SURGERY: "相关手术",
    THERAPEUTIC: "治疗性操作",
    DIAGNOSTIC: "诊断性操作",
    CONSERVATIVE: "保守治疗",
}
"""The four types of a disease, highest rank first: a case is of the highest type among its procedures."""

TYPE_CODES = {SURGERY: "SS", THERAPEUTIC: "ZLXCZ", DIAGNOSTIC: "ZDXCZ", CONSERVATIVE: "BSZL"}
"""What stands for the procedures in the code of a disease that names none."""

PROCEDURE_TYPES = {
    "手术": SURGERY,
    "介入治疗": "interventional",
    "治疗性操作": THERAPEUTIC,
    "诊断性操作": DIAGNOSTIC,
}
"""操作类型 as it is written in the table; the catalogue says as which of the four types 介入治疗 counts."""

YEARS = 3
"""History is kept in years of twelve months, oldest first; a year without months of history has no cases."""

FACTS = {
    "id": "目录代号",
    "title": "名称",
    "source": "来源",
    "from_month": "起始月份",
    "to_month": "终止月份",
    "cases": "所据病例数",
    "mean_fen": "全部病例的加权次均费用（分）",
    "year_weights": "各年权重（由早到近）",
    "threshold": "核心病种例数界值",
    "main_procedure": "主要手术操作：first 首个 | any 任一",
    "interventional": "介入治疗按哪一类：surgery | therapeutic",
    "composite_level": "综合病种的诊断层级：category 类目 | section 节",
    "assumed": "是否有未经文件确认之处：1 | 0",
}


class Group(NamedTuple):
    """A disease: its kind and type, diagnosis (a code's beginning or a section), procedures, history and weight.

    The type is empty where the procedures of a core disease have none. `cases` and `mean_fen` by year, oldest first;
    `rw_e4` in ten-thousandths. `related` are sorted.
    """

    code: str
    name: str
    kind: str
    type: str
    dx: str
    main_px: str
    related: tuple[str, ...]
    cases: tuple[int, ...]
    mean_fen: tuple[int, ...]
    weighted_mean_fen: int
    rw_e4: int

    @property
    def procedures(self) -> tuple[str, ...]:
        """The main procedure and the related ones."""
        return (self.main_px, *self.related) if self.main_px else ()


class SpecialRule(NamedTuple):
    """A rule asked before all others: the disease it leads to and its condition in the language of scheme tables."""

    seq: int
    group: str
    when: str


class Section(NamedTuple):
    """A section of the classification of diagnoses: from the first to the last category, both inclusive."""

    code: str
    name: str
    first: str
    last: str


class Auxiliary(NamedTuple):
    """A coefficient of a disease for one level of a dimension: how often it was seen and what it cost then."""

    group: str
    dimension: str
    level: str
    cases: int
    mean_fen: int
    trigger_e4: int
    coefficient_e4: int
    basis: str


@dataclass(frozen=True)
class Catalogue:
    """A DIP catalogue; `level_means` by (disease, settlement level) is (cases, mean fee in fen) of the last year."""

    facts: dict[str, str]
    groups: tuple[Group, ...]
    procedure_types: dict[str, str]
    zero_value: frozenset[str] = frozenset()
    level_means: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)
    special_rules: tuple[SpecialRule, ...] = ()
    special_lists: dict[tuple[str, str], frozenset[str]] = field(default_factory=dict)
    sections: tuple[Section, ...] = ()
    auxiliary: tuple[Auxiliary, ...] = ()

    @property
    def id(self) -> str:
        """The id by which an edition names it (`scheme`)."""
        return self.facts["id"]

    @property
    def assumed(self) -> bool:
        """Whether something of it is confirmed by no document: figures that rest on it say 模拟."""
        return self.facts["assumed"] == "1"

    @cached_property
    def by_code(self) -> dict[str, Group]:
        """Every disease by its code."""
        return {group.code: group for group in self.groups}

    @cached_property
    def ordered(self) -> tuple[Group, ...]:
        """The diseases in the order in which they are asked: most procedures, then highest weight, then code."""
        return tuple(sorted(self.groups, key=lambda one: (-len(one.procedures), -one.rw_e4, one.code)))

    @cached_property
    def prefixes(self) -> Prefixes:
        """How far it knows a code."""
        return Prefixes(self)

    @cached_property
    def digest(self) -> str:
        """SHA-256 over every table."""
        return text_digest(part for name, text in sorted(self.tables().items()) for part in (name, text))

    def type_of(self, code: str) -> str:
        """The type of a procedure; empty for one that the table does not hold."""
        found = self.procedure_types.get(code, "")
        return self.facts["interventional"] if found == "interventional" else found

    def tables(self) -> dict[str, str]:
        """The tables as CSV texts by file name; a table without rows is left out, but for the two that must be."""
        names = {label: name for name, label in PROCEDURE_TYPES.items()}
        rows: dict[str, Iterable[tuple[Any, ...]]] = {
            "catalogue": self.facts.items(),
            "group": (
                (
                    one.code,
                    one.name,
                    one.kind,
                    one.type,
                    one.dx,
                    one.main_px,
                    "+".join(one.related),
                    *one.cases,
                    *(_yuan(fen) for fen in one.mean_fen),
                    _yuan(one.weighted_mean_fen),
                    _ratio(one.rw_e4),
                )
                for one in sorted(self.groups)
            ),
            "level_mean": ((*key, n, _yuan(fen)) for key, (n, fen) in sorted(self.level_means.items())),
            "procedure_type": ((code, names[kind]) for code, kind in sorted(self.procedure_types.items())),
            "zero_value": ((code,) for code in sorted(self.zero_value)),
            "special": self.special_rules,
            "special_list": (
                (*key, code) for key, codes in sorted(self.special_lists.items()) for code in sorted(codes)
            ),
            "section": self.sections,
            "auxiliary": (
                (
                    *one[:4],
                    _yuan(one.mean_fen),
                    _ratio(one.trigger_e4),
                    _ratio(one.coefficient_e4),
                    one.basis,
                )
                for one in self.auxiliary
            ),
        }
        texts = {name: _csv(COLUMNS[name], found) for name, found in rows.items()}
        return {f"{name}.csv": text for name, text in texts.items() if name in REQUIRED or text.count("\n") > 1}

    def write(self, folder: Path) -> None:
        """Write the tables into a folder; one that already holds another catalogue is refused (`dip.exists`)."""
        if (folder / "catalogue.csv").exists() and load_catalogue(folder).digest != self.digest:
            raise PolicyError(
                "dip.exists",
                "这个文件夹里已有另一个病种目录",
                where=str(folder),
                hint="写到新的文件夹：目录一经使用就不再改",
            )
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in self.tables().items():
            (folder / name).write_text(text, encoding="utf-8")

    def only(self, keep: Callable[[Group], bool]) -> Catalogue:
        """The catalogue with some of its diseases only."""
        return replace(self, groups=tuple(group for group in self.groups if keep(group)))


_BY_YEAR = tuple(f"cases_{year}" for year in range(1, YEARS + 1)), tuple(f"mean_{y}" for y in range(1, YEARS + 1))
COLUMNS: dict[str, tuple[str, ...]] = {
    "catalogue": ("key", "value"),
    "group": (
        *("group", "name", "kind", "type", "dx", "main_px", "related_px"),
        *_BY_YEAR[0],
        *_BY_YEAR[1],
        *("mean", "rw"),
    ),
    "level_mean": ("group", "hospital_level", "cases", "mean"),
    "procedure_type": ("code", "type"),
    "zero_value": ("code",),
    "special": ("seq", "group", "when"),
    "special_list": ("kind", "list", "code"),
    "section": ("section", "name", "first", "last"),
    "auxiliary": ("group", "dimension", "level", "cases", "mean", "trigger", "coefficient", "basis"),
}
"""The tables of a catalogue folder and their columns; amounts in yuan, weights with four decimals."""

REQUIRED = ("catalogue", "group")


def _yuan(fen: int) -> str:
    return f"{Decimal(fen) / 100:.2f}"


def _ratio(value_e4: int) -> str:
    return f"{Decimal(value_e4) / SCALE:.4f}"


def _csv(columns: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue()


def load_catalogue(folder: Path) -> Catalogue:
    """Read a catalogue folder; PolicyError `dip.missing` or `dip.tables` names file, row, reason and mend."""
    missing = [f"{name}.csv" for name in REQUIRED if not (folder / f"{name}.csv").is_file()]
    if missing:
        raise PolicyError(
            "dip.missing",
            f"病种目录缺少 {'、'.join(missing)}",
            where=str(folder),
            hint="给出 tongpin dip build 写出的文件夹",
        )
    read = _Reader(folder)
    facts = dict(read.rows("catalogue", lambda row: (row["key"], row["value"])))
    if set(facts) != set(FACTS):
        odd = sorted(set(facts) ^ set(FACTS))
        raise read.refuse("catalogue.csv", 1, f"键不全或不认识：{'、'.join(odd)}", f"须有且只有：{'、'.join(FACTS)}")
    groups = tuple(read.rows("group", _group))
    if len({group.code for group in groups}) != len(groups):
        raise read.refuse("group.csv", 1, "病种编码重复", "每个病种只留一行")
    lists: dict[tuple[str, str], set[str]] = {}
    for kind, name, code in read.rows("special_list", lambda row: (row["kind"], row["list"], row["code"])):
        lists.setdefault((kind, name), set()).add(code)
    return Catalogue(
        facts=facts,
        groups=groups,
        procedure_types=dict(read.rows("procedure_type", lambda row: (row["code"], PROCEDURE_TYPES[row["type"]]))),
        zero_value=frozenset(read.rows("zero_value", lambda row: row["code"])),
        level_means=dict(
            read.rows(
                "level_mean",
                lambda row: ((row["group"], row["hospital_level"]), (int(row["cases"]), parse_yuan(row["mean"]))),
            )
        ),
        special_rules=tuple(read.rows("special", lambda row: SpecialRule(int(row["seq"]), row["group"], row["when"]))),
        special_lists={key: frozenset(codes) for key, codes in lists.items()},
        sections=tuple(read.rows("section", lambda row: Section(*row.values()))),
        auxiliary=tuple(
            read.rows(
                "auxiliary",
                lambda row: Auxiliary(
                    row["group"],
                    row["dimension"],
                    row["level"],
                    int(row["cases"]),
                    parse_yuan(row["mean"]),
                    _e4(row["trigger"]),
                    _e4(row["coefficient"]),
                    row["basis"],
                ),
            )
        ),
    )


def read_codes(path: Path, table: str) -> list[tuple[str, ...]]:
    """The rows of one table of the catalogue's layout that lies elsewhere (procedure types, zero values, sections)."""
    return list(_Reader(path.parent).rows(table, lambda row: tuple(row.values()), path.name))


def _e4(text: str) -> int:
    value = Decimal(text) * SCALE
    if value != int(value) or value < 0:
        raise ValueError(text)
    return int(value)


def _group(row: dict[str, str]) -> Group:
    if row["kind"] not in KIND_LABELS or row["type"] not in {*TYPE_LABELS, ""}:
        raise ValueError(row["kind"])
    rw_e4 = _e4(row["rw"])
    if rw_e4 == 0:
        raise ValueError(row["rw"])
    return Group(
        row["group"],
        row["name"],
        row["kind"],
        row["type"],
        row["dx"],
        row["main_px"],
        tuple(code for code in row["related_px"].split("+") if code),
        tuple(int(row[name]) for name in _BY_YEAR[0]),
        tuple(parse_yuan(row[name]) for name in _BY_YEAR[1]),
        parse_yuan(row["mean"]),
        rw_e4,
    )


class _Reader:
    """Reads the tables of a folder; the first fault is told with file and row."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def refuse(self, file: str, line: int, message: str, hint: str) -> PolicyError:
        return PolicyError("dip.tables", message, where=f"{self.folder / file} 第 {line} 行", hint=hint)

    def rows(self, table: str, made: Callable[[dict[str, str]], Any], file: str = "") -> Iterator[Any]:
        """Each row of a table as `made` makes it; nothing when an optional table is absent."""
        file = file or f"{table}.csv"
        path = self.folder / file
        if not path.is_file():
            return
        columns = COLUMNS[table]
        try:
            reader = csv.reader(path.read_bytes().decode("utf-8-sig").splitlines())
        except UnicodeDecodeError:
            raise self.refuse(file, 0, "不是 UTF-8 编码", "另存为 UTF-8 编码的 CSV") from None
        if tuple(next(reader, ())) != columns:
            raise self.refuse(file, 1, "表头不对", f"表头应为 {','.join(columns)}")
        for cells in reader:
            try:
                yield made(dict(zip(columns, (cell.strip() for cell in cells), strict=True)))
            except (ValueError, KeyError, InvalidOperation) as error:
                hint = "核对这一行的列数、数字（金额两位、权重四位小数，大于 0）与选项"
                raise self.refuse(file, reader.line_num, f"读不懂：{error}", hint) from None
