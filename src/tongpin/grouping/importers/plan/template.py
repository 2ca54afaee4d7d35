"""The plan template 方案模板: an official grouping plan typed into our workbook, read with messages for coders."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from difflib import get_close_matches
from typing import TYPE_CHECKING

from tongpin.grouping.importers.alternatives import (
    FALSE,
    AllOf,
    AnyOf,
    TooManyAlternatives,
    condition_of,
    some_always_holds,
    when_text,
)
from tongpin.grouping.importers.draft import Draft, Place
from tongpin.grouping.importers.plan.sheets import (
    ADRG_SHEET,
    COMPLICATION_SHEET,
    CONDITION_KEYS,
    DRG_SHEET,
    DX_NAMES_SHEET,
    DX_SHEET,
    EMPTY_SHEET,
    EXAMPLE,
    EXCLUSION_SHEET,
    FIELD_KINDS,
    FIELD_SHEET,
    KINDS,
    LIST_COLUMNS,
    MAP_SHEET,
    MAP_TABLES,
    MDC_SHEET,
    NUMBER_COLUMNS,
    OPERATION_SHEET,
    OPERATION_WORD,
    OPTION_ROWS,
    OPTIONS_SHEET,
    PX_NAMES_SHEET,
    PX_SHEET,
    SHEETS,
    SITE_SHEET,
)
from tongpin.grouping.importers.plan.words import COMPLICATIONS, SEXES, number_atoms
from tongpin.grouping.importers.sheets import (
    SheetReader,
    add_complications,
    add_exclusions,
    add_members,
    clean_name,
    sheet_names,
)
from tongpin.grouping.tables.model import VALID_PX, Options
from tongpin.grouping.tables.when import NEVER, NUMBER_FIELDS, TEXT_FIELDS, Atom, WhenError, parse_when

if TYPE_CHECKING:
    from pathlib import Path

    from tongpin.grouping.importers.alternatives import Expression
    from tongpin.grouping.importers.sheets import Book, Row
    from tongpin.grouping.tables.when import Condition

_LIST_NAME = re.compile(r"[^\s:|&!]+")
_LIST_SHEETS = {"dx": DX_SHEET, "px": PX_SHEET}


def recognises(source: Path) -> bool:
    """Whether a file is a workbook made from the template; only sheet names are read."""
    names = set(sheet_names(source))
    return {OPTIONS_SHEET, DX_SHEET, PX_SHEET, COMPLICATION_SHEET} <= names


def read(source: Path) -> Draft:
    """The filled template as scheme tables; every fault is a finding (SCH-T…) at its sheet, row and column."""
    draft = Draft()
    reader = SheetReader(source, draft, "T")
    book = reader.read([sheet.plan for sheet in SHEETS])
    for name, rows in book.rows.items():
        book.rows[name] = [row for row in rows if not row["remark"].startswith(EXAMPLE)]
    if book.rows:
        _Plan(reader, book).fill(source)
    return draft


class _Plan:
    """Fills a draft from the sheets of one filled template."""

    def __init__(self, reader: SheetReader, book: Book) -> None:
        self.reader = reader
        self.draft = reader.draft
        self.book = book
        self.lists: dict[str, set[str]] = {"dx": set(), "px": set()}
        self.empty: set[str] = set()
        self.used: dict[str, set[str]] = {"dx": set(), "px": set()}
        self.numbers: tuple[str, ...] = NUMBER_FIELDS
        self.texts: tuple[str, ...] = TEXT_FIELDS
        self.suffix = Options().ambiguous_suffix

    def fill(self, source: Path) -> None:
        """All tables; lists and fields first, because conditions name them."""
        self._options(source)
        self._fields()
        self._lists()
        self._complications()
        self._plain_tables()
        self._mdcs()
        rules = self._adrgs()
        self._drgs(rules)
        self._unused()

    def _options(self, source: Path) -> None:
        known = {clean_name(option.label): option for option in OPTION_ROWS}
        given: dict[str, Row] = {}
        for row in self.book.rows[OPTIONS_SHEET]:
            option = known.get(clean_name(row["label"]))
            if option is None:
                said = f"不认识的项目“{row['label']}”"
                hint = f"可用的项目：{'、'.join(one.label for one in OPTION_ROWS)}"
                self.reader.fault(50, row.place("label"), row["label"], said, hint)
                continue
            if option.key in given:
                said = f"项目“{option.label}”已在第 {given[option.key].number} 行"
                self.reader.fault(51, row.place("label"), row["label"], said, "只留一行")
                continue
            given[option.key] = row
            choices = dict(option.choices)
            if row["value"] and choices and row["value"] not in choices:
                said = f"“{option.label}”不能是“{row['value']}”"
                self.reader.fault(52, row.place("value"), row["value"], said, f"可用：{'、'.join(choices)}")
            elif row["value"] and option.key != "scheme_id":
                self.draft.option(option.key, choices.get(row["value"], row["value"]), row.place("value"))
        if "ambiguous_suffix" in given:
            self.suffix = given["ambiguous_suffix"]["value"] or self.suffix
        own = given["scheme_id"]["value"] if "scheme_id" in given else ""
        self.draft.option("scheme_id", own or clean_name(source.stem), self.book.place(OPTIONS_SHEET))

    def _fields(self) -> None:
        for row in self.book.rows[FIELD_SHEET]:
            kind = FIELD_KINDS.get(row["kind"], "")
            if row["kind"] and not kind:
                said = f"种类不能是“{row['kind']}”"
                self.reader.fault(52, row.place("kind"), row["kind"], said, f"可用：{'、'.join(FIELD_KINDS)}")
            self.draft.add("field", row.place("field"), field=row["field"], kind=kind or "number", label=row["label"])
            if kind == "text":
                self.texts = (*self.texts, row["field"])
            else:
                self.numbers = (*self.numbers, row["field"])

    def _lists(self) -> None:
        for what, sheet in _LIST_SHEETS.items():
            rows = self.book.rows[sheet]
            for row in rows:
                if row["list"] and not _LIST_NAME.fullmatch(row["list"]):
                    said = f"清单名“{row['list']}”里有不能用的字符"
                    self.reader.fault(53, row.place("list"), row["list"], said, "清单名里不用空格和 : | & !")
            self.lists[what] = add_members(self.reader, f"{what}_list", rows, "list", "code", {})
        for row in self.book.rows[EMPTY_SHEET]:
            if row["list"] in self.lists["dx"] | self.lists["px"]:
                said = f"清单 {row['list']} 登记为空，却有编码"
                self.reader.fault(54, row.place("list"), row["list"], said, "删去这一行")
            elif row["list"]:
                self.empty.add(row["list"])
                self.draft.add("empty_list", row.place("list"), list=row["list"])

    def _complications(self) -> None:
        rows: dict[str, list[Row]] = {"mcc": [], "cc": []}
        for row in self.book.rows[COMPLICATION_SHEET]:
            level = row["level"].lower()
            if level in rows:
                rows[level].append(row)
            elif level:
                said = f"类别不能是“{row['level']}”"
                self.reader.fault(52, row.place("level"), row["level"], said, "可用：MCC、CC")
        known: dict[str, str] = {}
        for table in ("mcc", "cc"):
            add_complications(self.reader, table, rows[table], known)
        used = {row["exclusion_table"] for row in (*rows["mcc"], *rows["cc"])}
        add_exclusions(self.reader, self.book.rows[EXCLUSION_SHEET], used)

    def _plain_tables(self) -> None:
        """Tables that only pair a code with something."""
        for table, sheet, columns in (
            ("valid_px", OPERATION_SHEET, ("code", "name")),
            ("site", SITE_SHEET, ("code", "site")),
            ("icd10", DX_NAMES_SHEET, ("code", "name")),
            ("icd9", PX_NAMES_SHEET, ("code", "name")),
        ):
            self._pairs(table, self.book.rows[sheet], columns)
        maps: dict[str, list[Row]] = {table: [] for table in MAP_TABLES.values()}
        for row in self.book.rows[MAP_SHEET]:
            if row["kind"] in MAP_TABLES:
                maps[MAP_TABLES[row["kind"]]].append(row)
            elif row["kind"]:
                said = f"类别不能是“{row['kind']}”"
                self.reader.fault(52, row.place("kind"), row["kind"], said, f"可用：{'、'.join(MAP_TABLES)}")
        for table, rows in maps.items():
            self._pairs(table, rows, ("code", "target"))

    def _pairs(self, table: str, rows: list[Row], columns: tuple[str, str]) -> None:
        key, value = columns
        seen: dict[str, Row] = {}
        for row in rows:
            first = seen.setdefault(row[key], row)
            if first is row:
                if row[key]:
                    self.draft.add(table, row.place(key), **{key: row[key], value: row[value]})
                continue
            same = first[value] == row[value]
            said = f"{row[key]} 已在第 {first.number} 行" + ("" if same else f"，那里是“{first[value]}”")
            hint = "删去重复的一行" if same else "核对方案，只留正确的一行"
            self.reader.fault(14, row.place(key), row[key], said, hint, "warning" if same else "error")

    def _mdcs(self) -> None:
        seen: dict[str, Row] = {}
        for seq, row in enumerate(self.book.rows[MDC_SHEET], start=1):
            if row["mdc"] in seen:
                said = f"{row['mdc']} 已在第 {seen[row['mdc']].number} 行"
                self.reader.fault(55, row.place("mdc"), row["mdc"], said, "只留一行；几种进入条件用“其他条件”的 | 连接")
                continue
            seen[row["mdc"]] = row
            sites = row["min_sites"]
            if sites and not sites.isdecimal():
                self.reader.fault(56, row.place("min_sites"), sites, "至少部位数须为整数", "例如 2；不用则不填")
                sites = ""
            when = when_text(self._condition(row, needs_one=True))
            values = {"mdc": row["mdc"], "name": row["name"], "when": when, "min_sites": sites or "0"}
            self.draft.add("mdc", row.place("other"), seq=seq, **values)
        if not seen:
            place = self.book.place(MDC_SHEET)
            self.reader.fault(57, place, "", "没有一个 MDC", "至少填一行；备注以“示例”开头的行不导入")

    def _adrgs(self) -> dict[tuple[str, str], Row]:
        mdcs = {row["mdc"] for row in self.book.rows[MDC_SHEET]}
        rules: dict[tuple[str, str], Row] = {}
        counts: dict[str, int] = defaultdict(int)
        for row in self.book.rows[ADRG_SHEET]:
            mdc, adrg = row["mdc"], row["adrg"]
            rule = row["rule"] or adrg
            if mdc and mdc not in mdcs:
                near = _near(mdc, mdcs)
                self.reader.fault(20, row.place("mdc"), mdc, f"“{MDC_SHEET}”里没有 {mdc}", f"补一行或改正编码{near}")
            if (mdc, rule) in rules:
                said = f"{mdc} 里已有规则 {rule}（第 {rules[mdc, rule].number} 行）"
                hint = f"同一核心组有几种入组方式时，“规则”一列各起一名，例如 {adrg}_1、{adrg}_2"
                self.reader.fault(55, row.place("rule"), rule, said, hint)
                continue
            if adrg and mdc and adrg[0] != mdc[-1]:
                said = f"{adrg} 的首字母与 {mdc} 不同"
                self.reader.fault(23, row.place("adrg"), adrg, said, "核对 MDC 与 ADRG", "warning")
            kind = KINDS.get(row["kind"].upper(), "")
            if not kind:
                said = f"种类不能是“{row['kind']}”"
                self.reader.fault(52, row.place("kind"), row["kind"], said, "不填为 ADRG；歧义组写 歧义")
            if kind == "ambiguous" and row["name"] and mdc:
                self.draft.add("drg_name", row.place("name"), drg=mdc[-1] + self.suffix, name=row["name"])
            rules[mdc, rule] = row
            counts[mdc] += 1
            self.draft.add(
                "adrg",
                row.place("other"),
                seq=counts[mdc],
                mdc=mdc,
                kind=kind or "adrg",
                adrg=adrg,
                rule=rule,
                name=row["name"],
                when=when_text(self._condition(row, needs_one=True)),
            )
        return rules

    def _drgs(self, rules: dict[tuple[str, str], Row]) -> None:
        owners: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for (mdc, rule), row in rules.items():
            if KINDS.get(row["kind"].upper()) == "adrg":
                owners[row["adrg"]].append((mdc, rule))
        leaves: dict[tuple[str, str], list[tuple[Row, Condition]]] = defaultdict(list)
        names: dict[str, str] = {}
        for row in self.book.rows[DRG_SHEET]:
            adrg, drg = row["adrg"], row["drg"]
            condition = self._condition(row, needs_one=False)
            targets = [
                (mdc, rule)
                for mdc, rule in owners.get(adrg, ())
                if row["rule"] in {"", rule} and row["mdc"] in {"", mdc}
            ]
            if adrg and not targets:
                wanted = " ".join(part for part in (row["mdc"], adrg, row["rule"]) if part)
                said = f"“{ADRG_SHEET}”里没有 {wanted}"
                self.reader.fault(21, row.place("adrg"), adrg, said, f"补一行或改正编码{_near(adrg, set(owners))}")
            if drg and not drg.startswith(adrg):
                said = f"{drg} 不以 {adrg} 开头"
                self.reader.fault(24, row.place("drg"), drg, said, "核对 ADRG 与 DRG", "warning")
            for mdc, rule in targets:
                leaves[mdc, rule].append((row, condition))
                self.draft.add(
                    "drg",
                    row.place("other"),
                    mdc=mdc,
                    adrg=adrg,
                    rule=rule,
                    seq=len(leaves[mdc, rule]),
                    drg=drg,
                    name=row["name"],
                    when=when_text(condition),
                )
            if row["name"] and drg and drg not in names:
                names[drg] = row["name"]
                self.draft.add("drg_name", row.place("drg"), drg=drg, name=row["name"])
        for adrg, pairs in owners.items():
            for pair in pairs:
                self._leaves_of(adrg, rules[pair], leaves.get(pair, []))

    def _leaves_of(self, adrg: str, rule: Row, leaves: list[tuple[Row, Condition]]) -> None:
        if not leaves:
            said = f"{adrg} 没有任何细分组"
            hint = f"在“{DRG_SHEET}”补一行不限条件的，例如 {adrg}9"
            self.reader.fault(26, rule.place("adrg"), adrg, said, hint, "warning")
        elif not some_always_holds(condition for _, condition in leaves):
            last = leaves[-1][0]
            said = f"{adrg} 的各行合起来仍有病例落空（最后没有不限条件的一行）"
            hint = "最后一行的合并症写 不限，其他条件列留空；确属有意则不必改"
            self.reader.fault(39, last.place("drg"), last["drg"], said, hint, "warning")

    def _condition(self, row: Row, *, needs_one: bool) -> Condition:
        """The columns of a row, all of which must hold."""
        if needs_one and not any(row[key] for key in CONDITION_KEYS):
            said = "一个条件也没有写"
            hint = "填入清单或其他条件；确是不设条件，就在“其他条件”写 always"
            self.reader.fault(58, row.place("other"), "", said, hint)
        parts: list[Expression] = []
        for key, kind in LIST_COLUMNS.items():
            if row[key]:
                name = VALID_PX if row[key] == OPERATION_WORD and kind.startswith("px") else row[key]
                parts.append(Atom(kind, list_name=name))
                self._check_list(row, key, kind, name)
        for key in NUMBER_COLUMNS:
            parts += self._numbers(row, key) if row[key] else []
        if row["sex"] in SEXES:
            parts.append(Atom("sex", op="==", number=float(SEXES[row["sex"]])))
        elif row["sex"] and row["sex"] != "不限":
            self.reader.fault(52, row.place("sex"), row["sex"], f"性别不能是“{row['sex']}”", "写 男 或 女，不限则不填")
        level = row["complication"].upper()
        if level in COMPLICATIONS:
            parts.append(COMPLICATIONS[level])
        else:
            said = f"合并症不能是“{row['complication']}”"
            hint = f"可用：{'、'.join(word for word in COMPLICATIONS if word)}"
            self.reader.fault(52, row.place("complication"), row["complication"], said, hint)
        if row["other"]:
            parts.append(self._other(row))
        try:
            return condition_of(AllOf(tuple(parts)))
        except TooManyAlternatives as error:
            said = f"条件展开后有 {error} 种可能，超过上限"
            self.reader.fault(45, row.place("other"), row["other"], said, "拆成几行，每行一种情形")
            return NEVER

    def _numbers(self, row: Row, key: str) -> list[Expression]:
        try:
            return list(number_atoms(key, row[key]))
        except ValueError as error:
            said = f"看不懂“{error}”"
            hint = "写成 <17、>=1500、6-14、>0，<1500、不满17、14以上；若成了日期，把该列设为文本重填"
            self.reader.fault(59, row.place(key), row[key], said, hint)
            return []

    def _other(self, row: Row) -> Expression:
        text = unicodedata.normalize("NFKC", row["other"])
        try:
            condition = parse_when(text, self.numbers, self.texts)
        except WhenError as error:
            place = row.place("other")
            place = Place(place.file, place.row, f"{place.column}（第 {error.column} 个字符）")
            self.reader.fault(60, place, row["other"], error.message, error.hint)
            return FALSE
        for atom in (atom for clause in condition for atom in clause if atom.list_name):
            self._check_list(row, "other", atom.kind, atom.list_name)
        return AnyOf(tuple(AllOf(clause) for clause in condition))

    def _check_list(self, row: Row, key: str, kind: str, name: str) -> None:
        what = kind[:2]
        self.used[what].add(name)
        if name in self.lists[what] or name in self.empty or (what == "px" and name == VALID_PX):
            return
        sheet = _LIST_SHEETS[what]
        near = _near(name, self.lists[what])
        other = "px" if what == "dx" else "dx"
        where = f"（“{_LIST_SHEETS[other]}”里有同名的，是否填错了列）" if name in self.lists[other] else ""
        said = f"“{sheet}”里没有清单 {name}{where}"
        hint = f"在“{sheet}”补上它的编码，或改正清单名{near}；有意留空的登记在“{EMPTY_SHEET}”"
        self.reader.fault(43, row.place(key), name, said, hint)

    def _unused(self) -> None:
        for what, sheet in _LIST_SHEETS.items():
            first = {row["list"]: row for row in reversed(self.book.rows[sheet])}
            for name in sorted(self.lists[what] - self.used[what]):
                said = f"清单 {name} 没有一个条件用到"
                self.reader.fault(61, first[name].place("list"), name, said, "核对清单名是否一致", "warning")


def _near(name: str, known: set[str]) -> str:
    near = get_close_matches(name, sorted(known), n=3)
    return f"；相近的有 {'、'.join(near)}" if near else ""
