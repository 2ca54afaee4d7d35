"""The plan template 方案模板: its sheets and columns, as data that the reader and the writer share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tongpin.grouping.importers.sheets import Column, SheetPlan
from tongpin.grouping.tables.model import Options

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tongpin.grouping.importers.sheets import Kind

OPTIONS_SHEET = "方案"
MDC_SHEET = "主要诊断大类(MDC)"
ADRG_SHEET = "核心组(ADRG)"
DRG_SHEET = "细分组(DRG)"
DX_SHEET = "诊断清单"
PX_SHEET = "手术清单"
EMPTY_SHEET = "空清单"
COMPLICATION_SHEET = "MCC与CC"
EXCLUSION_SHEET = "排除表"
OPERATION_SHEET = "手术室手术"
SITE_SHEET = "部位"
MAP_SHEET = "转码"
FIELD_SHEET = "另读字段"
DX_NAMES_SHEET = "诊断字典"
PX_NAMES_SHEET = "手术字典"
README_SHEET = "说明"

OPERATION_WORD = "手术室手术"
"""What a coder writes in a list cell for the operating-room procedures."""

EXAMPLE = "示例"
"""A row whose note begins so is not imported."""

KINDS = {"": "adrg", "ADRG": "adrg", "歧义": "ambiguous"}
FIELD_KINDS = {"数值": "number", "文字": "text"}
MAP_TABLES = {"诊断": "dx_map", "手术": "px_map"}


@dataclass(frozen=True, slots=True)
class Field:
    """A column of the template: header, what it holds, its width, and what a coder is told about it."""

    key: str
    header: str
    note: str
    width: int = 14
    kind: Kind = "text"
    filled: bool = False
    choices: tuple[str, ...] = ()

    @property
    def column(self) -> Column:
        """The column as the sheet reader wants it; only columns that must be filled must be there."""
        code = self.kind in {"dx", "px"}
        return Column(self.key, (self.header,), self.kind, required=self.filled or code, filled=self.filled)


@dataclass(frozen=True, slots=True)
class TemplateSheet:
    """A sheet of the template: its columns, a line on what it is for, example rows (shown, never imported)."""

    name: str
    note: str
    fields: tuple[Field, ...]
    examples: tuple[Mapping[str, str], ...] = ()
    others: tuple[str, ...] = ()
    required: bool = False
    frozen: int = 1

    @property
    def plan(self) -> SheetPlan:
        """The sheet as the sheet reader wants it; unknown headers are refused."""
        columns = tuple(field.column for field in self.fields)
        return SheetPlan(self.name, columns, self.others, required=self.required, strict=True)


@dataclass(frozen=True, slots=True)
class OptionRow:
    """A row of the sheet 方案: key of the scheme, label, choices (label to value), what it means."""

    key: str
    label: str
    note: str
    choices: tuple[tuple[str, str], ...] = ()


_USUAL = Options()
_SWITCH = (("否", "0"), ("是", "1"))
OPTION_ROWS: tuple[OptionRow, ...] = (
    OptionRow("scheme_id", "方案代号", "字母、数字、点、横线；导入时以 --id 为准"),
    OptionRow("title", "方案名称", "例如：某市 DRG 付费分组方案（2025 年版）"),
    OptionRow("source", "依据", "发文机关、文号、日期"),
    OptionRow(
        "adrg_without_leaf",
        "没有细分组成立时",
        "停：结果是三位 ADRG；继续：看下一个核心组",
        (("停", "stop"), ("继续", "next")),
    ),
    OptionRow(
        "mdc_without_group",
        "进了 MDC 却没有结果时",
        "继续：看下一个 MDC；停：就此无法入组",
        (("继续", "next"), ("停", "stop")),
    ),
    OptionRow("retry_other_px", "逐个换主手术再试", "全程无结果时，把其他手术逐个单独作为手术再走一遍", _SWITCH),
    OptionRow("ambiguous_suffix", "歧义组后缀", f"歧义组编码是 MDC 字母加后缀；不填为 {_USUAL.ambiguous_suffix}"),
    OptionRow(
        "newborn_days", "新生儿日龄上限", f"零岁而日龄不超过此数的病例须有出生体重；不填为 {_USUAL.newborn_days}"
    ),
    OptionRow("uses_icu_hours", "用到重症监护小时数", "条件里写了 icu_hours 时填“是”", _SWITCH),
    OptionRow("ungrouped_mdc", "无法入组时的 MDC", f"不填为 {_USUAL.ungrouped[0]}"),
    OptionRow("ungrouped_adrg", "无法入组时的 ADRG", f"不填为 {_USUAL.ungrouped[1]}"),
    OptionRow("ungrouped_drg", "无法入组时的 DRG", f"不填为 {_USUAL.ungrouped[2]}"),
    OptionRow("rejected_mdc", "校验不过时的 MDC", "不填则与无法入组时相同"),
    OptionRow("rejected_adrg", "校验不过时的 ADRG", "不填则与无法入组时相同"),
    OptionRow("rejected_drg", "校验不过时的 DRG", "不填则与无法入组时相同"),
)

_REMARK = Field("remark", "备注", f"随意；以“{EXAMPLE}”开头的行不导入", 14)
_MDC_CODE = Field("mdc", "MDC编码", "例如 MDCE", 11, "name", filled=True)
_NUMBER = "写 <17、>=1500、6-14（含两端）、>0，<1500，或“不满17”“超过60”“14以上”（含本数）"

_CONDITIONS: dict[str, Field] = {
    "dx_main": Field("dx_main", "主要诊断清单", "主要诊断在这个清单里；写“诊断清单”表里的清单名", 13, "name"),
    "dx_any": Field("dx_any", "任一诊断清单", "主要诊断或任一其他诊断在这个清单里", 13, "name"),
    "dx_other": Field("dx_other", "其他诊断清单", "任一其他诊断（不含主要诊断）在这个清单里", 13, "name"),
    "px_main": Field(
        "px_main", "主要手术清单", f"主要手术在这个清单里；写“{OPERATION_WORD}”指那张表的全部手术", 13, "name"
    ),
    "px_any": Field("px_any", "任一手术清单1", f"任一手术在这个清单里；也可写“{OPERATION_WORD}”", 13, "name"),
    "px_any2": Field("px_any2", "任一手术清单2", "又有任一手术在这个清单里（与清单1 同时成立）", 13, "name"),
    "sex": Field("sex", "性别", "男、女，不限则不填", 7, "name", choices=("男", "女")),
    "age": Field("age", "年龄", f"周岁。{_NUMBER}", 9),
    "age_days": Field("age_days", "日龄", f"天。{_NUMBER}", 9),
    "birth_weight": Field("birth_weight", "出生体重", f"克。{_NUMBER}", 12),
    "los": Field("los", "住院天数", f"天。{_NUMBER}", 10),
    "complication": Field(
        "complication",
        "合并症",
        "MCC：有严重并发症；CC：有并发症；MCC或CC：有其一；无：两样都没有；不限或不填：不看。按行的次序先到先得",
        11,
        "name",
        choices=("MCC", "CC", "MCC或CC", "无", "不限"),
    ),
    "other": Field(
        "other",
        "其他条件",
        "上面各列写不下的条件，与各列同时成立。& 并且，| 或者，! 取反，没有括号。"
        "例如 icu_hours>120、px_other:清单、!px_any:valid_px、dept==ICU、discharge_way:2,5、mcc & age<17 | cc；"
        "整格 always 为不设条件，never 为停用",
        28,
    ),
}

CONDITION_KEYS = tuple(_CONDITIONS)
LIST_COLUMNS = {
    "dx_main": "dx_main",
    "dx_any": "dx_any",
    "dx_other": "dx_other",
    "px_main": "px_main",
    "px_any": "px_any",
    "px_any2": "px_any",
}
"""Columns that hold a list name, and the condition they stand for."""
NUMBER_COLUMNS = ("age", "age_days", "birth_weight", "los")


def _conditions(*keys: str) -> tuple[Field, ...]:
    return tuple(_CONDITIONS[key] for key in keys)


_ENTRY = ("dx_main", "dx_any", "px_main", "sex", "age", "age_days")
_CORE = (*_ENTRY[:2], "dx_other", "px_main", "px_any", "px_any2", "sex", "age", "age_days", "birth_weight")
_LEAF = ("complication", "age", "age_days", "birth_weight", "los", "dx_main", "dx_other", "px_main", "px_any", "sex")


def _codes(*fields: Field) -> tuple[Field, ...]:
    return (*fields, _REMARK)


_NAME = Field("name", "名称", "便于核对；字典里的名称在字典表", 40)
_DX = Field("code", "诊断编码", "国家医保版编码，文本格式", 18, "dx")
_PX = Field("code", "手术操作编码", "国家医保版编码，文本格式；51.2300 不可成为数字 51.23", 18, "px")
_LIST = Field("list", "清单", "清单名，随意起，例如 ES3主诊；同一清单的编码一行一个", 18, "name", filled=True)
_TABLE = Field("exclusion_table", "排除表", "表号；主要诊断与并发症表号相同则不计", 12, "name")

SHEETS: tuple[TemplateSheet, ...] = (
    TemplateSheet(
        OPTIONS_SHEET,
        "方案本身的几项约定。不填的按说明里的缺省。",
        (
            Field("label", "项目", "不要改动", 26, filled=True),
            Field("value", "值", "有下拉的从下拉里选", 34),
            Field("note", "说明", "不导入", 64),
        ),
        required=True,
    ),
    TemplateSheet(
        MDC_SHEET,
        "一行一个 MDC，从上到下依次判断是否进入。各列之间是“并且”；至少写一个条件，不设条件就在“其他条件”写 always。",
        (
            _MDC_CODE,
            Field("name", "MDC名称", "全称", 30),
            *_conditions(*_ENTRY),
            Field("min_sites", "至少部位数", "多发创伤：全部诊断涉及的不同部位数下限；不用不填", 11, "name"),
            _CONDITIONS["other"],
            _REMARK,
        ),
        (
            {"mdc": "MDCE", "name": "呼吸系统疾病及功能障碍", "dx_main": "E类主诊"},
            {"mdc": "MDCZ", "name": "多发严重创伤", "dx_main": "Z类主诊", "min_sites": "2"},
        ),
        ("MDC", "病种大类(MDC)", "主要诊断大类"),
        required=True,
    ),
    TemplateSheet(
        ADRG_SHEET,
        "一行一条核心组规则，在 MDC 内从上到下依次判断。有几种入组方式的核心组写几行，“规则”各起一名（如 AH1_1）。",
        (
            _MDC_CODE,
            Field("adrg", "ADRG编码", "三位，例如 ES3", 11, "name", filled=True),
            Field("name", "ADRG名称", "全称", 28),
            Field("rule", "规则", "只有一行时不填；有几行时各起一名", 10, "name"),
            Field(
                "kind",
                "种类",
                "不填为 ADRG；歧义：QY 组，须放在外科组与内科组之间",
                8,
                "name",
                choices=("ADRG", "歧义"),
            ),
            *_conditions(*_CORE, "other"),
            _REMARK,
        ),
        (
            {"mdc": "MDCE", "adrg": "EB1", "name": "胸部大手术", "px_any": "EB1手术", "px_any2": "EB1手术2"},
            {"mdc": "MDCE", "adrg": "ES3", "name": "呼吸系统感染/炎症", "dx_main": "ES3主诊"},
            {"mdc": "MDCZ", "adrg": "ZZ1", "name": "多发性重要创伤无手术", "other": "!px_any:valid_px"},
        ),
        ("ADRG", "核心组", "核心分组"),
        required=True,
        frozen=2,
    ),
    TemplateSheet(
        DRG_SHEET,
        "一行一个细分组，在核心组内从上到下先到先得：伴 MCC 在前，伴 CC 在后，最后一行不限。",
        (
            Field("adrg", "ADRG编码", "三位，例如 ES3", 11, "name", filled=True),
            Field("drg", "DRG编码", "例如 ES31", 11, "name", filled=True),
            Field("name", "DRG名称", "全称", 36),
            *_conditions(*_LEAF, "other"),
            Field("rule", "规则", "不填：该核心组的每条规则都用；填写则只用于那一条", 10, "name"),
            Field("mdc", "MDC编码", "不填即可；同一 ADRG 编码在两个 MDC 里时填写", 11, "name"),
            _REMARK,
        ),
        (
            {"adrg": "EB1", "drg": "EB19", "name": "胸部大手术"},
            {
                "adrg": "ES3",
                "drg": "ES31",
                "name": "呼吸系统感染/炎症，伴严重并发症或合并症",
                "complication": "MCC",
            },
            {"adrg": "ES3", "drg": "ES37", "name": "呼吸系统感染/炎症，17 岁以下", "age": "不满17"},
            {
                "adrg": "ES3",
                "drg": "ES35",
                "name": "呼吸系统感染/炎症",
                "complication": "不限",
            },
            {"adrg": "ZZ1", "drg": "ZZ19", "name": "多发性重要创伤无手术"},
        ),
        ("DRG", "细分组"),
        required=True,
        frozen=2,
    ),
    TemplateSheet(
        DX_SHEET,
        "各清单的诊断编码，一行一个。",
        _codes(_LIST, _DX, _NAME),
        (
            {"list": "E类主诊", "code": "J18.900", "name": "肺炎"},
            {"list": "ES3主诊", "code": "J18.900", "name": "肺炎"},
            {"list": "Z类主诊", "code": "S06.200", "name": "弥漫性大脑损伤"},
        ),
        required=True,
    ),
    TemplateSheet(
        PX_SHEET,
        "各清单的手术操作编码，一行一个。编码列须是文本。",
        _codes(_LIST, _PX, _NAME),
        (
            {"list": "EB1手术", "code": "32.4900", "name": "其他肺叶切除术"},
            {"list": "EB1手术2", "code": "96.7201", "name": "呼吸机治疗"},
        ),
        required=True,
    ),
    TemplateSheet(
        COMPLICATION_SHEET,
        "严重并发症（MCC）与并发症（CC）及其排除表号。",
        _codes(
            Field("level", "类别", "MCC 或 CC", 8, "name", filled=True, choices=("MCC", "CC")),
            _DX,
            Field("exclusion_table", "排除表", "表号；主要诊断在同号的排除表里则不计。没有则不填", 12, "name"),
            _NAME,
        ),
        (
            {"level": "MCC", "code": "J96.000", "exclusion_table": "5-1", "name": "急性呼吸衰竭"},
            {"level": "CC", "code": "E87.600", "exclusion_table": "3-2", "name": "低钾血症"},
        ),
        required=True,
    ),
    TemplateSheet(
        EXCLUSION_SHEET,
        "排除表：主要诊断在表里时，同号的 MCC、CC 不计。一个主要诊断只属于一个排除表。",
        _codes(Field("exclusion_table", "排除表", _TABLE.note, 12, "name", filled=True), _DX, _NAME),
        (
            {"exclusion_table": "5-1", "code": "J96.000", "name": "急性呼吸衰竭"},
            {"exclusion_table": "3-2", "code": "E87.600", "name": "低钾血症"},
        ),
        required=True,
    ),
    TemplateSheet(
        OPERATION_SHEET,
        f"手术室手术：条件里写“{OPERATION_WORD}”（或 valid_px）时所指的全部手术操作。不用可以空着。",
        _codes(_PX, _NAME),
        (
            {"code": "32.4900", "name": "其他肺叶切除术"},
            {"code": "51.2300", "name": "腹腔镜下胆囊切除术"},
        ),
    ),
    TemplateSheet(
        SITE_SHEET,
        "多发创伤：每个创伤诊断所在的部位。配合 MDC 的“至少部位数”。不用可以空着。",
        _codes(_DX, Field("site", "部位", "例如 头颈部", 16, "name", filled=True), _NAME),
        (
            {"code": "S06.200", "site": "头颈部", "name": "弥漫性大脑损伤"},
            {"code": "S32.000", "site": "脊柱", "name": "腰椎骨折"},
        ),
    ),
    TemplateSheet(
        MAP_SHEET,
        "转码：分组前把左边的编码换成右边的（只换一次）。要转码的病例，未列出的编码会使整例不能转换。不用可以空着。",
        _codes(
            Field("kind", "类别", "诊断 或 手术", 8, "name", filled=True, choices=tuple(MAP_TABLES)),
            Field("code", "原编码", "病案上的编码", 18, "name", filled=True),
            Field("target", "目标编码", "分组用的编码；不变的也要写", 18, "name", filled=True),
        ),
        (
            {"kind": "诊断", "code": "J18.901", "target": "J18.900"},
            {"kind": "手术", "code": "51.2301", "target": "51.2300"},
        ),
    ),
    TemplateSheet(
        EMPTY_SHEET,
        "有意留空的清单：条件里写了名字、暂时没有编码的清单登记在这里，否则按遗漏处理。",
        _codes(_LIST),
    ),
    TemplateSheet(
        FIELD_SHEET,
        "本方案另外要读的字段（例如新技术、多部位）：登记后可在“其他条件”里使用。",
        _codes(
            Field("field", "字段", "小写英文字母与下划线，与病例文件的列名一致", 20, "name", filled=True),
            Field(
                "kind", "种类", "数值 或 文字；是与否用数值，1 为是", 8, "name", filled=True, choices=tuple(FIELD_KINDS)
            ),
            Field("label", "名称", "中文名称", 30),
        ),
        (
            {"field": "new_technology", "kind": "数值", "label": "新技术标志"},
            {"field": "ward", "kind": "文字", "label": "病区"},
        ),
    ),
    TemplateSheet(
        DX_NAMES_SHEET,
        "诊断字典：只用于名称与提示，分组不查。不用可以空着；要填就填全。",
        _codes(_DX, Field("name", "名称", "全称", 46)),
    ),
    TemplateSheet(
        PX_NAMES_SHEET,
        "手术操作字典：只用于名称与提示，分组不查。不用可以空着；要填就填全。",
        _codes(_PX, Field("name", "名称", "全称", 46)),
    ),
)

LAYOUT: dict[str, TemplateSheet] = {sheet.name: sheet for sheet in SHEETS}
