"""Words 说法: how conditions, facts and codes are called when a coder reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tongpin.grouping.tables.model import VALID_PX

if TYPE_CHECKING:
    from tongpin.grouping.explain.trace import Explanation, Fact, Tried
    from tongpin.grouping.tables.model import SchemeTables
    from tongpin.grouping.tables.when import Atom

KIND_LABELS: dict[str, str] = {
    "dx_main": "主要诊断",
    "dx_any": "任一诊断",
    "dx_other": "其他诊断",
    "px_main": "主要手术",
    "px_any": "任一手术",
    "px_other": "其他手术",
    "mcc": "严重并发症或合并症（MCC）",
    "cc": "并发症或合并症（CC）",
    "sex": "性别",
    "age": "年龄",
    "age_days": "日龄",
    "birth_weight": "出生体重",
    "los": "住院天数",
    "icu_hours": "重症监护小时",
    "dept": "科别",
    "discharge_way": "离院方式",
    "dx_count": "诊断个数",
    "px_count": "手术操作个数",
}
"""The kinds of conditions as people call them; the fields that a scheme declares carry their own label."""

UNITS = {"age": "岁", "age_days": "天", "birth_weight": "克", "los": "天", "icu_hours": "小时"}
SEX_WORDS = {1: "男", 2: "女"}
OPERATOR_WORDS = {"<=": "≤", ">=": "≥", "==": "", "<": "<", ">": ">"}
LEVEL_LABELS = {"mdc": "MDC", "adrg": "ADRG", "drg": "DRG", "ambiguous": "歧义", "adrg_without_leaf": "ADRG"}
NOTICE = "编码须以病案记录为准，本页只说明规则，不建议改动编码"
"""What every text that tells of another group carries."""


def kind_label(tables: SchemeTables, kind: str) -> str:
    """What a kind of condition is called."""
    if kind in KIND_LABELS:
        return KIND_LABELS[kind]
    return next((field.label or field.name for field in tables.fields if field.name == kind), kind)


def list_label(name: str) -> str:
    """What a code list is called."""
    return f"手术室手术清单 {name}" if name == VALID_PX else f"清单 {name}"


def value_text(kind: str, value: Any) -> str:
    """A value of the case as people read it."""
    if value is None:
        return "缺"
    if kind == "sex":
        return SEX_WORDS.get(value, str(value))
    number = f"{value:g}" if isinstance(value, (int, float)) else str(value)
    return f"{number} {UNITS[kind]}" if kind in UNITS else number


def wanted_text(atom: Atom) -> str:
    """What a comparison asks for, the negation told."""
    deny = "不是 " if atom.negated else ""
    if atom.op:
        wanted = f"{OPERATOR_WORDS[atom.op]} {value_text(atom.kind, atom.number)}".strip()
        return deny + wanted
    return deny + "、".join(atom.values)


def dx_text(tables: SchemeTables, code: str) -> str:
    """A diagnosis code with its name."""
    return f"{code or '（空）'} {tables.dx_names.get(code, '')}".rstrip()


def px_text(tables: SchemeTables, code: str) -> str:
    """A procedure code with its name."""
    return f"{code or '（空）'} {tables.px_names.get(code, '')}".rstrip()


def group_text(tables: SchemeTables, drg: str) -> str:
    """A group with its name."""
    return f"{drg} {tables.drg_names.get(drg, '')}".rstrip()


def rule_text(rule: Tried) -> str:
    """A rule as code and name; the variant of a rule is its code."""
    return f"{rule.code} {rule.name}".rstrip()


def fact_text(tables: SchemeTables, fact: Fact, dx: tuple[str, ...], px: tuple[str, ...]) -> str:
    """What a case of these codes has for a condition: which codes met it, or why none did."""
    atom = fact.atom
    label = kind_label(tables, atom.kind)
    if atom.kind in {"mcc", "cc"}:
        codes = "、".join(dx_text(tables, code) for code in fact.codes or ())
        return f"计入的 {atom.kind.upper()}：{codes}" if codes else f"没有计入的 {atom.kind.upper()}"
    if not atom.list_name:
        return f"{label} {value_text(atom.kind, fact.value)}（要求 {wanted_text(atom)}）"
    name = list_label(atom.list_name)
    text = dx_text if atom.kind.startswith("dx_") else px_text
    met = "、".join(text(tables, code) for code in fact.codes or ())
    if met:
        return f"{label} {met} 在{name}{'（要求不在）' * atom.negated}"
    if atom.kind == "dx_main":
        return f"{label} {dx_text(tables, dx[0])} 不在{name}"
    if atom.kind == "px_main" and px:
        return f"{label} {px_text(tables, px[0])} 不在{name}"
    if atom.kind.startswith("px_") and not px:
        return "没有手术操作" if atom.negated else f"没有手术操作（要求{label}在{name}）"
    return f"没有{label}在{name}"


def facts_text(told: Explanation, rule: Tried) -> str:
    """Why a rule held, or why it did not: the facts of the alternative that holds, or what each alternative lacks."""
    if rule.level == "adrg_without_leaf":
        return "没有细分组成立，结果即为 ADRG"
    if rule.because and not rule.held:
        return sites_text(rule)
    if not rule.clauses:
        return "条件写着 never，永远不成立"
    px = told.rounds[rule.round].px
    if rule.held:
        met = [fact_text(told.tables, fact, told.dx, px) for fact in rule.because]
        return "；".join([*met, *[sites_text(rule)] * bool(rule.sites_needed)]) or "无须其他条件"
    lacks = [
        lacks_text([fact_text(told.tables, fact, told.dx, px) for fact in clause if not fact.held])
        for clause in rule.clauses
    ]
    return "；或者 ".join(dict.fromkeys(lacks))


def lacks_text(texts: list[str]) -> str:
    """What is lacking in one line; several lists that the same code is not in are named together."""
    merged: dict[str, list[str]] = {}
    for text in texts:
        head, _, name = text.partition(" 不在")
        merged.setdefault(head, []).append(name)
    return "；".join(f"{head} 不在{'、'.join(names)}" if names[0] else head for head, names in merged.items())


def sites_text(rule: Tried) -> str:
    """The body sites that the diagnoses of a case have, and how many an MDC wants."""
    found = list(dict.fromkeys(site for _, site in rule.sites))
    return f"创伤部位 {len(found)} 个（{'、'.join(found) or '无'}），要求至少 {rule.sites_needed} 个"


def went_on_text(told: Explanation, rule: Tried) -> str:
    """What happened after a rule that held and led to nothing; empty for the others."""
    if rule.led:
        return ""
    if rule.level == "adrg":
        return "没有细分组成立，继续看下一条"
    if rule.level != "mdc":
        return ""
    if told.tables.options.mdc_without_group == "stop":
        return "没有 ADRG 给出结果，就此为止"
    return "没有 ADRG 给出结果，转看下一个 MDC"
