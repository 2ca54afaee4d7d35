"""The circulated workbook 流传的分组工作簿: sheets of lists and a sheet of rules in Python-like text.

Ten sheets (MDC信息 … DRG分组规则). A row of the rule sheet is one way into a group: the rule of its MDC, ADRG and DRG
and the columns op, mcc, cc. Rows are taken in the order in which they stand; rule texts are parsed, never evaluated.
What the layout leaves open is told in docs/importers.md.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

from tongpin.grouping.importers.alternatives import (
    TRUE,
    AllOf,
    Opposite,
    TooManyAlternatives,
    condition_of,
    some_always_holds,
    when_text,
)
from tongpin.grouping.importers.draft import Draft, Place
from tongpin.grouping.importers.sheets import (
    Column,
    SheetPlan,
    SheetReader,
    add_complications,
    add_exclusions,
    add_members,
    clean_name,
    sheet_names,
)
from tongpin.grouping.importers.workbook.rule_text import OTHER_FIELDS, Rule, RuleError, list_name, parse_rule
from tongpin.grouping.tables.model import VALID_PX
from tongpin.grouping.tables.when import NEVER, Atom

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tongpin.grouping.importers.alternatives import Expression
    from tongpin.grouping.importers.sheets import Book, Row
    from tongpin.grouping.tables.when import Condition

RULES = "DRG分组规则"
_LISTS = ("MDC诊断表", "ADRG诊断表", "ADRG手术表")
_MDC = ("mdc_code", "MDC编码", "MDC代码", "MDC")
_ADRG = ("adrg_code", "ADRG编码", "ADRG代码", "ADRG")
_DRG = ("drg_code", "DRG编码", "DRG代码", "DRG")
_DX = ("diagnosis_code", "诊断编码", "诊断代码", "疾病编码", "ICD10")
_PX = ("operation_code", "手术编码", "手术操作编码", "手术代码", "ICD9")
_CLASS = ("classification", "分类", "分类编号", "所属分类")
_EXCLUDED = ("excluded_table", "排除表", "排除表号", "排除表名")
_DX_NAME = Column("name", ("diagnosis_name", "诊断名称", "疾病名称"), required=False)
_PX_NAME = Column("name", ("operation_name", "手术名称", "手术操作名称"), required=False)

PLANS = (
    SheetPlan(
        "MDC信息",
        (Column("mdc", _MDC, "name", filled=True), Column("name", ("mdc_name", "MDC名称"))),
        required=False,
    ),
    SheetPlan(
        "ADRG信息",
        (
            Column("adrg", _ADRG, "name", filled=True),
            Column("name", ("adrg_name", "ADRG名称")),
            Column("mdc", _MDC, "name", required=False),
        ),
        required=False,
    ),
    SheetPlan(
        "DRG信息",
        (
            Column("drg", _DRG, "name", filled=True),
            Column("name", ("drg_name", "DRG名称")),
            Column("mdc", _MDC, "name", required=False),
            Column("adrg", _ADRG, "name", required=False),
        ),
        required=False,
    ),
    SheetPlan(
        "MDC诊断表",
        (
            Column("code", _DX, "dx"),
            Column("list", _CLASS, "name", filled=True),
            Column("mdc", _MDC, "name", filled=True),
            _DX_NAME,
        ),
    ),
    SheetPlan(
        "ADRG诊断表",
        (
            Column("code", _DX, "dx"),
            Column("list", _CLASS, "name", filled=True),
            _DX_NAME,
            Column("adrg", _ADRG, "name", required=False),
        ),
    ),
    SheetPlan(
        "ADRG手术表",
        (
            Column("code", _PX, "px"),
            Column("list", _CLASS, "name", filled=True),
            _PX_NAME,
            Column("adrg", _ADRG, "name", required=False),
        ),
    ),
    *(
        SheetPlan(name, (Column("code", _DX, "dx"), Column("exclusion_table", _EXCLUDED, "name"), _DX_NAME))
        for name in ("MCC", "CC")
    ),
    SheetPlan(
        "排除诊断表",
        (
            Column("exclusion_table", ("table_name", *_EXCLUDED), "name", filled=True),
            Column("code", _DX, "dx"),
            _DX_NAME,
        ),
    ),
    SheetPlan(
        RULES,
        (
            Column("mdc", _MDC, "name", filled=True),
            Column("adrg", _ADRG, "name", filled=True),
            Column("drg", _DRG, "name", filled=True),
            Column("mdc_rule", ("mdc_rule", "MDC规则", "MDC入组规则")),
            Column("adrg_rule", ("adrg_rule", "ADRG规则", "ADRG入组规则")),
            Column("drg_rule", ("drg_rule", "DRG规则", "DRG入组规则")),
            Column("op", ("op", "手术", "是否手术", "有无手术")),
            Column("mcc", ("mcc", "MCC", "严重并发症", "是否MCC")),
            Column("cc", ("cc", "CC", "并发症", "是否CC")),
        ),
    ),
)

_EARLY_MDC = "MDCA"
_EARLY_MARK = "MDC"
"""What stands in the ADRG column of a row that says how an early MDC (named in the DRG column) is entered."""
_SITES = "multi_wound.sites"
_SITE_LETTER = "Z"
_SITES_NEEDED = 2
_NO_RULE = frozenset({"", "-", "/", "—", "无", "nan", "NaN", "None"})
_FLAG_VALUES = {"": None, "-1": None, "1": True, "0": False}
_MOST_NAMED = 3


@dataclass(frozen=True, slots=True)
class _Entry:
    """How an MDC is entered."""

    when: Condition
    multi_site: bool
    row: Row


def recognises(source: Path) -> bool:
    """Whether a file is a workbook with the rule sheet and a list sheet of this layout; only sheet names are read."""
    return {RULES, "ADRG手术表"} <= set(sheet_names(source))


def read(source: Path) -> Draft:
    """The workbook as scheme tables; every fault is a finding (SCH-X…) at its sheet, row and column."""
    draft = Draft()
    reader = SheetReader(source, draft, "X")
    book = reader.read(PLANS)
    if not book.rows:
        return draft
    place = book.place(RULES)
    for key, value in (
        ("scheme_id", clean_name(source.stem)),
        ("title", source.stem),
        ("source", source.name),
        ("adrg_without_leaf", "next"),
    ):
        draft.option(key, value, place)
    _Workbook(reader, book).fill()
    return draft


class _Workbook:
    """Fills a draft from the sheets of one workbook."""

    def __init__(self, reader: SheetReader, book: Book) -> None:
        self.reader = reader
        self.draft = reader.draft
        self.book = book
        self.names = {
            kind: {row[kind]: row["name"] for row in book.rows[sheet] if row[kind]}
            for kind, sheet in (("mdc", "MDC信息"), ("adrg", "ADRG信息"), ("drg", "DRG信息"))
        }
        self.listed: dict[str, set[str]] = {}
        self.fields: dict[str, Row] = {}
        self.multi_site = False

    def fill(self) -> None:
        """All tables, the rules last: they name the lists."""
        self._information()
        self._lists()
        self._complications()
        entries, rows = self._entries()
        self._steps(entries, rows)
        for name, row in self.fields.items():
            label = OTHER_FIELDS[name]
            said = f"规则用到 {label}（case.{name}），本系统没有这一项，登记为方案自己的字段"
            hint = f"病例里要有 {name} 一列；没有时凡用到它的条件都不成立"
            self.reader.fault(31, row.place(), name, said, hint, "warning")
            self.draft.add("field", row.place(), field=name, kind="number", label=label)
        if self.multi_site:
            self._sites()

    def _information(self) -> None:
        for sheet, child, parent, number in (
            ("ADRG信息", "adrg", "mdc", 20),
            ("DRG信息", "drg", "adrg", 21),
        ):
            for row in self.book.rows[sheet]:
                known = self.names[parent]
                if row[parent] and known and row[parent] not in known:
                    said = f"{row[child]} 所属的 {row[parent]} 在 {parent.upper()}信息 里没有"
                    hint = f"在 {parent.upper()}信息 补一行，或改正编码"
                    self.reader.fault(number, row.place(parent), row[parent], said, hint, "warning")
        for row in self.book.rows["DRG信息"]:
            if row["drg"]:
                self.draft.add("drg_name", row.place("drg"), drg=row["drg"], name=row["name"])

    def _lists(self) -> None:
        for sheet in _LISTS:
            rows = self.book.rows[sheet]
            names = {row["list"]: list_name(sheet, row["list"]) for row in rows if row["list"]}
            self.listed[sheet] = set(names)
            add_members(self.reader, "px_list" if sheet == "ADRG手术表" else "dx_list", rows, "list", "code", names)
        operations = {row["code"]: row for row in reversed(self.book.rows["ADRG手术表"]) if row["code"]}
        for code in sorted(operations):
            self.draft.add("valid_px", operations[code].place("code"), code=code, name=operations[code]["name"])
        for table, sheets in (("icd10", ("MDC诊断表", "ADRG诊断表", "MCC", "CC")), ("icd9", ("ADRG手术表",))):
            self._dictionary(table, sheets)

    def _dictionary(self, table: str, sheets: tuple[str, ...]) -> None:
        """Names of codes, when the sheets carry them for every code."""
        rows = [row for sheet in sheets for row in self.book.rows[sheet] if row["code"]]
        if not rows or not all(row["name"] for row in rows):
            return
        seen: set[str] = set()
        for row in rows:
            if row["code"] not in seen:
                seen.add(row["code"])
                self.draft.add(table, row.place("code"), code=row["code"], name=row["name"])

    def _complications(self) -> None:
        known: dict[str, str] = {}
        for table, sheet in (("mcc", "MCC"), ("cc", "CC")):
            add_complications(self.reader, table, self.book.rows[sheet], known)
        used = {row["exclusion_table"] for sheet in ("MCC", "CC") for row in self.book.rows[sheet]}
        add_exclusions(self.reader, self.book.rows["排除诊断表"], used)

    def _entries(self) -> tuple[dict[str, _Entry], dict[str, list[Row]]]:
        """How each MDC is entered, in order: MDCA, the early ones as listed, the rest as they stand."""
        early: dict[str, Row] = {}
        rows: dict[str, list[Row]] = defaultdict(list)
        last = ""
        for row in self.book.rows[RULES]:
            mdc = row["mdc"]
            if mdc == _EARLY_MDC and row["adrg"].upper() == _EARLY_MARK:
                if row["drg"] in early:
                    said = f"{row['drg']} 的进入条件已在第 {early[row['drg']].number} 行"
                    self.reader.fault(32, row.place("drg"), row["drg"], said, "只留一行，几种可能用 or 连接")
                    continue
                early[row["drg"]] = row
            elif mdc:
                if rows[mdc] and last != mdc:
                    said = f"{mdc} 的行不连在一起；导入时按 MDC 归拢，次序以各 MDC 第一行为准"
                    self.reader.fault(33, row.place("mdc"), mdc, said, "把同一 MDC 的行排在一起", "warning")
                rows[mdc].append(row)
                last = mdc
        if not self.book.rows[RULES]:
            said = "没有任何规则"
            self.reader.fault(34, self.book.place(RULES), "", said, "表头之下每行一条规则")
        order = [mdc for mdc in (_EARLY_MDC, *early) if mdc in rows or mdc in early]
        order += [mdc for mdc in rows if mdc not in order]
        for mdc, row in early.items():
            if mdc not in rows:
                said = f"写了 {mdc} 的进入条件，却没有它的分组规则"
                self.reader.fault(35, row.place("drg"), mdc, said, "补上它的规则行，或核对编码", "warning")
        self._overlaps(set(early))
        return {mdc: self._entry(mdc, early.get(mdc), rows.get(mdc, [])) for mdc in order}, rows

    def _entry(self, mdc: str, early: Row | None, rows: list[Row]) -> _Entry:
        if early is not None:
            rule = self._rule(early, "mdc_rule", entry=True)
            return _Entry(self._condition(early, "mdc_rule", rule.expression), rule.multi_site, early)
        first = rows[0]
        texts = {" ".join(row["mdc_rule"].split()): row for row in reversed(rows) if row["mdc_rule"] not in _NO_RULE}
        if len(texts) > 1:
            other = next(row for row in rows if row is not first and row["mdc_rule"] != first["mdc_rule"])
            said = f"{mdc} 各行的 mdc_rule 不一致（第 {first.number} 行与第 {other.number} 行）"
            self.reader.fault(36, other.place("mdc_rule"), other["mdc_rule"], said, "同一 MDC 只能有一个进入条件")
        row = next(iter(texts.values()), first)
        rule = self._rule(row, "mdc_rule", entry=True)
        if rule.expression != TRUE or rule.multi_site or mdc == _EARLY_MDC:
            return _Entry(self._condition(row, "mdc_rule", rule.expression), rule.multi_site, row)
        codes = sorted({one["code"] for one in self.book.rows["MDC诊断表"] if one["mdc"] == mdc and one["code"]})
        if not codes:
            said = f"{mdc} 没有 mdc_rule，MDC诊断表 里也没有它的诊断"
            self.reader.fault(37, first.place("mdc"), mdc, said, "在 MDC诊断表 补上诊断，或写明 mdc_rule")
        name = f"{mdc}.entry"
        for code in codes:
            self.draft.add("dx_list", first.place("mdc"), list=name, code=code)
        return _Entry(((Atom("dx_main", list_name=name),),), multi_site=False, row=first)

    def _overlaps(self, early: set[str]) -> None:
        """Diagnoses of an early MDC that another MDC lists too: there the layout's own program stops, ours goes on."""
        owners: dict[str, set[str]] = defaultdict(set)
        for row in self.book.rows["MDC诊断表"]:
            owners[row["code"]].add(row["mdc"])
        shared = sorted(code for code, mdcs in owners.items() if code and mdcs & early and mdcs - early)
        if shared:
            shown = "、".join(shared[:_MOST_NAMED])
            said = f"{len(shared)} 个诊断既在先期 MDC 又在其他 MDC（{shown}…）"
            hint = "先期 MDC 里没有合适的组时，会继续看其他 MDC；若当地规定就此不入组，请核对这些病例"
            self.reader.fault(38, self.book.place("MDC诊断表"), "", said, hint, "warning")

    def _steps(self, entries: Mapping[str, _Entry], rows: Mapping[str, list[Row]]) -> None:
        for seq, (mdc, entry) in enumerate(entries.items(), start=1):
            name = self.names["mdc"].get(mdc, "")
            if not name:
                hint = "在 MDC信息 补一行"
                self.reader.fault(22, entry.row.place("mdc"), mdc, f"MDC信息 里没有 {mdc}", hint, "warning")
            self.draft.add(
                "mdc",
                entry.row.place("mdc_rule"),
                seq=seq,
                mdc=mdc,
                name=name,
                when=when_text(entry.when),
                min_sites=_SITES_NEEDED if entry.multi_site else 0,
            )
            self._mdc_steps(mdc, rows.get(mdc, []))

    def _mdc_steps(self, mdc: str, rows: list[Row]) -> None:
        """Rows that follow one another with the same ADRG, rule and `op` are the leaves of one step."""
        blocks: list[list[Row]] = []
        last: tuple[str, ...] = ()
        for row in rows:
            key = (row["adrg"], " ".join(row["adrg_rule"].split()), row["op"])
            if key != last:
                blocks.append([])
            blocks[-1].append(row)
            last = key
        counts: dict[str, int] = defaultdict(int)
        for seq, block in enumerate(blocks, start=1):
            first = block[0]
            adrg = first["adrg"]
            counts[adrg] += 1
            rule = adrg if counts[adrg] == 1 else f"{adrg}_{counts[adrg]}"
            self._letters(mdc, block)
            expression = AllOf((self._rule(first, "adrg_rule").expression, self._operation(first)))
            self.draft.add(
                "adrg",
                first.place("adrg_rule"),
                seq=seq,
                mdc=mdc,
                kind="adrg",
                adrg=adrg,
                rule=rule,
                name=self.names["adrg"].get(adrg, ""),
                when=when_text(self._condition(first, "adrg_rule", expression)),
            )
            conditions = [self._leaf(mdc, rule, at, row) for at, row in enumerate(block, start=1)]
            if not some_always_holds(conditions):
                said = f"{adrg} 的各行合起来仍有病例落空（最后没有不限条件的一行）"
                hint = "核对 drg_rule、mcc、cc 三列；落空的病例会继续看后面的规则"
                self.reader.fault(39, block[-1].place("drg"), block[-1]["drg"], said, hint, "warning")

    def _leaf(self, mdc: str, rule: str, seq: int, row: Row) -> Condition:
        expression = AllOf((self._rule(row, "drg_rule").expression, self._complication(row)))
        condition = self._condition(row, "drg_rule", expression)
        if condition == NEVER:
            said = "这一行的条件自相矛盾，永远不成立"
            self.reader.fault(40, row.place("drg"), row["drg"], said, "核对 drg_rule、mcc、cc 三列", "warning")
        self.draft.add(
            "drg",
            row.place("drg_rule"),
            mdc=mdc,
            adrg=row["adrg"],
            rule=rule,
            seq=seq,
            drg=row["drg"],
            name=self.names["drg"].get(row["drg"], ""),
            when=when_text(condition),
        )
        return condition

    def _letters(self, mdc: str, block: list[Row]) -> None:
        adrg = block[0]["adrg"]
        if adrg and adrg[0] != mdc[-1]:
            said = f"{adrg} 的首字母与 {mdc} 不同"
            self.reader.fault(23, block[0].place("adrg"), adrg, said, "核对 MDC 与 ADRG", "warning")
        for row in block:
            if row["drg"] and not row["drg"].startswith(adrg):
                said = f"{row['drg']} 不以 {adrg} 开头"
                self.reader.fault(24, row.place("drg"), row["drg"], said, "核对 ADRG 与 DRG", "warning")
            if row["drg"] and self.names["drg"] and row["drg"] not in self.names["drg"]:
                said = f"DRG信息 里没有 {row['drg']}，这个组没有名称"
                self.reader.fault(25, row.place("drg"), row["drg"], said, "在 DRG信息 补一行", "warning")

    def _operation(self, row: Row) -> Expression:
        flag = self._flag(row, "op")
        operation = Atom("px_main", list_name=VALID_PX)
        return TRUE if flag is None else operation if flag else Opposite(operation)

    def _complication(self, row: Row) -> Expression:
        """Columns mcc and cc; a case with an MCC has 0 in column cc, whatever else it has."""
        parts: list[Expression] = []
        mcc, cc = self._flag(row, "mcc"), self._flag(row, "cc")
        if mcc is not None:
            parts.append(Atom("mcc", negated=not mcc))
        if cc is not None:
            only_cc = AllOf((Atom("mcc", negated=True), Atom("cc")))
            parts.append(only_cc if cc else Opposite(only_cc))
        return AllOf(tuple(parts))

    def _flag(self, row: Row, key: str) -> bool | None:
        if row[key] not in _FLAG_VALUES:
            said = f"{key} 只能是 1（须有）、0（须无）、-1（不限）"
            self.reader.fault(41, row.place(key), row[key], said, "改为其中之一")
            return None
        return _FLAG_VALUES[row[key]]

    def _rule(self, row: Row, key: str, *, entry: bool = False) -> Rule:
        """The parsed rule of a cell, its lists and fields checked; a rule that cannot be read counts as none."""
        text = row[key]
        nothing = Rule(TRUE, (), (), multi_site=False)
        if text in _NO_RULE:
            return nothing
        try:
            rule = parse_rule(text)
        except RuleError as error:
            place = row.place(key)
            place = Place(place.file, place.row, f"{place.column}（第 {error.column} 个字符）")
            self.reader.fault(42, place, text, error.message, error.hint)
            return nothing
        for sheet, name in rule.lists:
            if name not in self.listed[sheet]:
                near = get_close_matches(name, self.listed[sheet], n=_MOST_NAMED)
                hint = f"在 {sheet} 补上这个分类的编码" + (f"；相近的有 {'、'.join(near)}" if near else "")
                self.reader.fault(43, row.place(key), name, f"{sheet} 里没有分类 {name}", hint)
        for name in rule.fields:
            self.fields.setdefault(name, row)
        if rule.multi_site and not entry:
            said = "multi_wound(case) 只能写在 mdc_rule 里"
            self.reader.fault(44, row.place(key), text, said, "移到进入 MDC 的那一行")
        if rule.multi_site:
            self.multi_site = True
            principal = Atom("dx_main", list_name=_SITES)
            return Rule(AllOf((principal, rule.expression)), rule.lists, rule.fields, multi_site=True)
        return rule

    def _condition(self, row: Row, key: str, expression: Expression) -> Condition:
        try:
            return condition_of(expression)
        except TooManyAlternatives as error:
            said = f"规则展开后有 {error} 种可能，超过上限"
            self.reader.fault(45, row.place(key), row[key], said, "拆成几行，每行一种情形")
            return NEVER

    def _sites(self) -> None:
        """The body site of each injury: its class of MDCZ; a diagnosis has one site."""
        sites: dict[str, str] = {}
        for row in self.book.rows["MDC诊断表"]:
            code, site = row["code"], row["list"]
            if not code or not site.startswith(_SITE_LETTER):
                continue
            if sites.setdefault(code, site) != site:
                said = f"{code} 属于两个部位（{sites[code]}、{site}），按前一个算"
                self.reader.fault(46, row.place("list"), site, said, "一个诊断只写一个部位", "warning")
        for code, site in sites.items():
            place = self.book.place("MDC诊断表")
            self.draft.add("site", place, code=code, site=site)
            self.draft.add("dx_list", place, list=_SITES, code=code)
        if not sites:
            said = "用到 multi_wound，但 MDC诊断表 里没有以 Z 开头的分类"
            self.reader.fault(47, self.book.place("MDC诊断表"), "", said, "补上多发创伤的部位分类")
