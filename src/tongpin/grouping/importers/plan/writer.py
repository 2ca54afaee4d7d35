"""The plan template 方案模板 as an xlsx: empty with instructions and examples, or filled with an existing scheme."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import xlsxwriter

from tongpin.grouping.importers.plan.sheets import (
    ADRG_SHEET,
    COMPLICATION_SHEET,
    DRG_SHEET,
    DX_NAMES_SHEET,
    DX_SHEET,
    EMPTY_SHEET,
    EXAMPLE,
    EXCLUSION_SHEET,
    FIELD_KINDS,
    FIELD_SHEET,
    MAP_SHEET,
    MAP_TABLES,
    MDC_SHEET,
    OPERATION_SHEET,
    OPERATION_WORD,
    OPTION_ROWS,
    OPTIONS_SHEET,
    PX_NAMES_SHEET,
    PX_SHEET,
    README_SHEET,
    SHEETS,
    SITE_SHEET,
)
from tongpin.grouping.importers.plan.words import cells_of
from tongpin.grouping.tables.model import VALID_PX

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from tongpin.grouping.importers.plan.sheets import TemplateSheet
    from tongpin.grouping.tables.model import SchemeTables

_FONT = "Microsoft YaHei"
_INK, _HEAD, _NEEDED, _RULE = "#1F2A37", "#E8EDF3", "#D6E4F0", "#B8C2CE"
_LINE, _NOTE, _PALE = "#E1E6EC", "#5B6776", "#8A96A3"
_HEADER_ROW = 2
_CHOICE_ROWS = 5000
"""How far down the dropdowns reach in an empty template."""
_A4 = 9

_STEPS = (
    ("这是什么", "把统筹地区公布的 DRG 分组方案（Word、PDF 或表格）录入本系统的模板。一张表一类内容，一行一条。"),
    (
        "怎么填",
        (
            f"先填“{DX_SHEET}”“{PX_SHEET}”，给清单起名；再在 MDC、ADRG、DRG 三张表里写清单名和条件；"
            f"然后填“{COMPLICATION_SHEET}”“{EXCLUSION_SHEET}”。其余各表用到才填。"
        ),
    ),
    ("次序", "各表从上到下就是判断的次序，先到先得。不要按编码排序，按方案公布的次序填写。"),
    ("编码", "编码列都是文本。手术编码 51.2300 若成了数字 51.23，末尾的零就丢了，导入时会被拒绝。"),
    ("条件", "同一行的各列之间是“并且”。两种情形是“或者”的，写成两行，或写在“其他条件”里用 | 隔开。"),
    ("手术室手术", f"清单列里写“{OPERATION_WORD}”，指“{OPERATION_SHEET}”表里的全部手术操作。"),
    ("合并症", "细分组写 MCC、CC、MCC或CC、无、不限。伴 MCC 的行放在伴 CC 之前，最后一行写 不限。"),
    ("示例", f"灰色斜体的行是示例，备注以“{EXAMPLE}”开头，不导入；填写时可以删去，也可以留着。"),
    ("表头", "表头的批注说明每一列怎么填。深色表头必填。不要改表名和表头；列可以调换次序，不用的列可以删去。"),
    (
        "导入",
        "tongpin scheme import 本文件.xlsx --id 方案代号。全部问题一次列出，指明表、行、列和改法；有错误就都不收。",
    ),
    ("检查", "导入后用 tongpin scheme check 方案代号 查看到不了的组、空清单、没有名称的组。"),
)


def write_template(path: Path, scheme: SchemeTables | None = None) -> None:
    """The template at `path`: empty with examples, or filled with `scheme`, which reads back to the same groups.

    Left out of a filled one: names of groups that no rule gives, and names of operating-room procedures that the
    dictionary does not know. Source: S004-03.
    """
    book = xlsxwriter.Workbook(str(path), {"strings_to_numbers": False})
    book.set_properties({"title": f"分组方案模板{f'：{scheme.title}' if scheme else ''}"})
    styles = _Styles(book)
    _readme(book.add_worksheet(README_SHEET), styles)
    content = _content(scheme) if scheme else {}
    for sheet in SHEETS:
        page = book.add_worksheet(sheet.name)
        if sheet.name == OPTIONS_SHEET:
            rows: Iterable[Mapping[str, str]] = _option_rows(scheme)
        else:
            rows = content.get(sheet.name, ())
        _page(page, sheet, rows, styles, with_examples=scheme is None)
    book.get_worksheet_by_name(README_SHEET).activate()
    book.close()


class _Styles:
    """The cell formats of the workbook."""

    def __init__(self, book: Any) -> None:
        def made(**options: Any) -> Any:
            return book.add_format(
                {"font_name": _FONT, "font_size": 10, "font_color": _INK, "valign": "vcenter"} | options
            )

        head = {"bold": True, "border": 1, "border_color": _RULE, "align": "center", "text_wrap": True}
        self.title = made(bold=True, font_size=15)
        self.note = made(font_size=9, font_color=_NOTE)
        self.head = made(bg_color=_HEAD, **head)
        self.needed = made(bg_color=_NEEDED, **head)
        line = {"num_format": "@", "bottom": 1, "bottom_color": _LINE}
        self.blank = made(num_format="@")
        self.text = made(**line)
        self.example = made(italic=True, font_color=_PALE, **line)
        self.label = made(bold=True, valign="top")
        self.wrapped = made(text_wrap=True, valign="top")


def _readme(page: Any, styles: _Styles) -> None:
    page.hide_gridlines(2)
    page.set_column(0, 0, 14)
    page.set_column(1, 1, 96)
    page.set_row(0, 30)
    page.write_string(0, 0, "分组方案模板", styles.title)
    for row, (label, text) in enumerate(_STEPS, start=2):
        page.set_row(row, 34)
        page.write_string(row, 0, label, styles.label)
        page.write_string(row, 1, text, styles.wrapped)
    row = len(_STEPS) + 3
    page.write_string(row, 0, "各表", styles.label)
    for number, sheet in enumerate(SHEETS, start=row + 1):
        page.set_row(number, 34)
        page.write_url(number, 0, f"internal:'{sheet.name}'!A1", styles.label, sheet.name.partition("(")[0])
        page.write_string(number, 1, sheet.note, styles.wrapped)
    page.set_paper(_A4)
    page.fit_to_pages(1, 0)


def _page(
    page: Any,
    sheet: TemplateSheet,
    rows: Iterable[Mapping[str, str]],
    styles: _Styles,
    *,
    with_examples: bool,
) -> None:
    page.hide_gridlines(1)
    for number, field in enumerate(sheet.fields):
        page.set_column(number, number, field.width, styles.blank)
    page.set_row(0, 28)
    page.write_string(0, 0, sheet.name, styles.title)
    page.write_string(1, 0, sheet.note, styles.note)
    page.set_row(_HEADER_ROW, 30)
    for number, field in enumerate(sheet.fields):
        page.write_string(_HEADER_ROW, number, field.header, styles.needed if field.column.required else styles.head)
        options = {"x_scale": 2, "y_scale": 1.4, "author": "", "font_name": _FONT, "font_size": 9}
        page.write_comment(_HEADER_ROW, number, field.note, options)
    row = _HEADER_ROW + 1
    if with_examples:
        for example in sheet.examples:
            _row(page, row, sheet, {"remark": f"{EXAMPLE}，不导入", **example}, styles.example)
            row += 1
    for values in rows:
        _row(page, row, sheet, values, styles.text)
        row += 1
    for number, field in enumerate(sheet.fields):
        if field.choices:
            message = f"可填：{'、'.join(field.choices)}"
            rule = {"validate": "list", "source": list(field.choices), "error_title": field.header}
            last = max(row, _CHOICE_ROWS)
            page.data_validation(_HEADER_ROW + 1, number, last, number, rule | {"error_message": message})
    if sheet.name == OPTIONS_SHEET:
        for number, option in enumerate(OPTION_ROWS, start=_HEADER_ROW + 1):
            if option.choices:
                rule = {"validate": "list", "source": [label for label, _ in option.choices]}
                page.data_validation(number, 1, number, 1, rule)
    page.freeze_panes(_HEADER_ROW + 1, sheet.frozen)
    if row > _HEADER_ROW + 1:
        page.autofilter(_HEADER_ROW, 0, row - 1, len(sheet.fields) - 1)
    page.set_landscape()
    page.set_paper(_A4)
    page.fit_to_pages(1, 0)
    page.repeat_rows(_HEADER_ROW)
    page.set_footer("&L&9&A&R&9第 &P 页，共 &N 页")


def _row(page: Any, row: int, sheet: TemplateSheet, values: Mapping[str, str], style: Any) -> None:
    for number, field in enumerate(sheet.fields):
        if values.get(field.key):
            page.write_string(row, number, values[field.key], style)
        else:
            page.write_blank(row, number, None, style)


def _option_rows(scheme: SchemeTables | None) -> Iterator[dict[str, str]]:
    values = _option_values(scheme) if scheme else {}
    for option in OPTION_ROWS:
        words = {value: label for label, value in option.choices}
        value = values.get(option.key, "")
        yield {"label": option.label, "value": words.get(value, value), "note": option.note}


def _option_values(scheme: SchemeTables) -> dict[str, str]:
    options = scheme.options
    values = {
        "scheme_id": scheme.scheme_id,
        "title": scheme.title,
        "source": scheme.source,
        "adrg_without_leaf": options.adrg_without_leaf,
        "mdc_without_group": options.mdc_without_group,
        "retry_other_px": str(int(options.retry_other_px)),
        "ambiguous_suffix": options.ambiguous_suffix,
        "newborn_days": str(options.newborn_days),
        "uses_icu_hours": str(int(options.uses_icu_hours)),
    }
    for prefix, answer in (("ungrouped", options.ungrouped), ("rejected", options.rejected)):
        values |= {f"{prefix}_{level}": code for level, code in zip(("mdc", "adrg", "drg"), answer, strict=True)}
    return values


def _content(scheme: SchemeTables) -> dict[str, Iterable[Mapping[str, str]]]:
    """The rows of every sheet that tables a scheme."""
    dx, px = scheme.dx_names, scheme.px_names
    empty = sorted({name for lists in (scheme.dx_lists, scheme.px_lists) for name, codes in lists.items() if not codes})
    return {
        MDC_SHEET: _mdc_rows(scheme),
        ADRG_SHEET: _adrg_rows(scheme),
        DRG_SHEET: _drg_rows(scheme),
        DX_SHEET: _list_rows(scheme.dx_lists, dx),
        PX_SHEET: _list_rows({name: codes for name, codes in scheme.px_lists.items() if name != VALID_PX}, px),
        EMPTY_SHEET: [{"list": name} for name in empty if name != VALID_PX],
        COMPLICATION_SHEET: [
            {"level": level, "code": code, "exclusion_table": exclusion, "name": dx.get(code, "")}
            for level, table in (("MCC", scheme.mcc), ("CC", scheme.cc))
            for code, exclusion in table.items()
        ],
        EXCLUSION_SHEET: [
            {"exclusion_table": exclusion, "code": code, "name": dx.get(code, "")}
            for code, exclusion in scheme.exclusion.items()
        ],
        OPERATION_SHEET: [
            {"code": code, "name": px.get(code, "")} for code in sorted(scheme.px_lists.get(VALID_PX, ()))
        ],
        SITE_SHEET: [{"code": code, "site": site, "name": dx.get(code, "")} for code, site in scheme.sites.items()],
        MAP_SHEET: [
            {"kind": word, "code": code, "target": target}
            for word, table in MAP_TABLES.items()
            for code, target in (scheme.dx_map if table == "dx_map" else scheme.px_map).items()
        ],
        FIELD_SHEET: [
            {"field": field.name, "kind": _word(FIELD_KINDS, field.kind), "label": field.label}
            for field in scheme.fields
        ],
        DX_NAMES_SHEET: [{"code": code, "name": name} for code, name in dx.items()],
        PX_NAMES_SHEET: [{"code": code, "name": name} for code, name in px.items()],
    }


def _word(words: Mapping[str, str], value: str) -> str:
    return next(word for word, one in words.items() if one == value)


def _keys(name: str) -> Sequence[str]:
    return [field.key for sheet in SHEETS if sheet.name == name for field in sheet.fields]


def _entry(cells: dict[str, str]) -> dict[str, str]:
    """Cells of a row that must have a condition: one without says so."""
    return cells if any(cells.values()) else {"other": "always"}


def _mdc_rows(scheme: SchemeTables) -> Iterator[dict[str, str]]:
    keys = _keys(MDC_SHEET)
    for mdc in scheme.mdcs:
        sites = str(mdc.min_sites) if mdc.min_sites else ""
        yield {"mdc": mdc.code, "name": mdc.name, "min_sites": sites} | _entry(cells_of(mdc.when, keys))


def _adrg_rows(scheme: SchemeTables) -> Iterator[dict[str, str]]:
    keys = _keys(ADRG_SHEET)
    for mdc in scheme.mdcs:
        for step in mdc.steps:
            yield {
                "mdc": mdc.code,
                "adrg": step.adrg,
                "name": step.name,
                "rule": step.rule if step.rule != step.adrg else "",
                "kind": "歧义" if step.is_gate else "",
            } | _entry(cells_of(step.when, keys))


def _drg_rows(scheme: SchemeTables) -> Iterator[dict[str, str]]:
    """Leaves in order; a rule, and an MDC, is named where the ADRG alone would mean several."""
    keys = _keys(DRG_SHEET)
    rules: dict[str, int] = {}
    for step in (step for mdc in scheme.mdcs for step in mdc.steps if not step.is_gate):
        rules[step.adrg] = rules.get(step.adrg, 0) + 1
    for mdc in scheme.mdcs:
        for step in mdc.steps:
            several = rules.get(step.adrg, 0) > 1
            for leaf in step.leaves:
                yield {
                    "adrg": step.adrg,
                    "drg": leaf.drg,
                    "name": leaf.name or scheme.drg_names.get(leaf.drg, ""),
                    "rule": step.rule if several else "",
                    "mdc": mdc.code if several else "",
                } | cells_of(leaf.when, keys)


def _list_rows(lists: Mapping[str, frozenset[str]], names: Mapping[str, str]) -> Iterator[dict[str, str]]:
    for name, codes in lists.items():
        for code in sorted(codes):
            yield {"list": name, "code": code, "name": names.get(code, "")}
