"""Page 说明页: the explanation of one case as one self-contained HTML page that prints on A4."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tongpin.grouping.explain.reasons import reason_from
from tongpin.grouping.explain.trace import CASE_FIELDS
from tongpin.grouping.explain.words import (
    LEVEL_LABELS,
    NOTICE,
    dx_text,
    facts_text,
    group_text,
    kind_label,
    px_text,
    rule_text,
    value_text,
    went_on_text,
)
from tongpin.grouping.tables.model import STATUS_LABELS, Status

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tongpin.grouping.explain.trace import Complication, Explanation, Tried
    from tongpin.grouping.explain.why_not import WhyNot

_TEMPLATES = Path(__file__).parent / "templates"
_DIGEST_SHOWN = 16
_RESULTS = {"counted": "计入", "listed": "成立，路径没有用到"}


def explain_page(told: Explanation, whys: Sequence[WhyNot] = (), *, case_id: str = "", full: bool = False) -> str:
    """The page: case, group, path with evidence, complications, and why the case is not in other groups (`whys`).

    It requests nothing, runs no script and names no person; `full` adds the rules that did not hold.
    """
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    tables, outcome = told.tables, told.outcome
    given = told.as_dict()["input"]
    grouped = outcome.status == Status.GROUPED
    return environment.get_template("explain.html").render(
        title=f"入组说明 {case_id} {group_text(tables, outcome.drg)}".replace("  ", " "),
        case_id=case_id,
        group={"code": outcome.drg, "name": told.name or _result_name(told)},
        status=STATUS_LABELS[outcome.status],
        grouped=grouped,
        reason=None if grouped else reason_from(told),
        fields=[
            (kind_label(tables, name), value_text(name, given[name]))
            for name in (*CASE_FIELDS, *(field.name for field in tables.fields))
            if given[name] is not None or name in {"sex", "age"}
        ],
        dx=[{"given": "", **one} for one in given["dx"]],
        px=[{"given": "", **one} for one in given["px"]],
        ladder=_ladder(told),
        complications=[_complication(told, one) for one in told.complications if one.kind],
        principal=dx_text(tables, told.dx[0]),
        principal_table=told.principal_table,
        whys=[_why(why) for why in whys],
        misses=[(rule_text(rule), facts_text(told, rule)) for rule in _table_of_misses(told, full=full)],
        notice=NOTICE,
        scheme={
            "id": tables.scheme_id,
            "title": tables.title,
            "digest": tables.digest[:_DIGEST_SHOWN],
            "source": tables.source,
        },
    )


def _table_of_misses(told: Explanation, *, full: bool) -> list[Tried]:
    """All that did not hold, or for a case without a group the ADRGs of the MDC that it entered."""
    if full:
        return told.misses
    return [] if told.has_led else [rule for rule in told.near_misses if rule.level == "adrg"]


def _result_name(told: Explanation) -> str:
    """The name of a group that the table of names lacks: that of the rule which gave it."""
    return next((rule.name for rule in reversed(told.path) if rule.led), "")


def _ladder(told: Explanation) -> list[dict[str, Any]]:
    """The rules that held, with the leaves passed on the way to the group."""
    near = {id(rule) for rule in told.near_misses if rule.level in {"drg", "mdc"}}
    last = next((rule for rule in reversed(told.tried) if rule.held and rule.led), None)
    rungs: list[dict[str, Any]] = []
    number = 0
    for rule in told.tried:
        if rule.round != number:
            number = rule.round
            only = px_text(told.tables, told.rounds[number].px[0])
            rungs.append(_rung("past", "再试", "", f"只看手术操作 {only}", [], ""))
        if rule.held:
            style = "result" if rule is last else "" if rule.led else "past"
        elif id(rule) in near:
            style = "miss"
        else:
            continue
        facts = facts_text(told, rule).split("；")
        after = went_on_text(told, rule) if rule.held else ""
        rungs.append(_rung(style, LEVEL_LABELS[rule.level], rule.code, rule.name, facts, after))
    return rungs


def _rung(style: str, level: str, code: str, name: str, facts: list[str], after: str) -> dict[str, Any]:
    return {"style": style, "level": level, "code": code, "name": name, "facts": facts, "after": after}


def _complication(told: Explanation, one: Complication) -> dict[str, str]:
    styles = {"counted": "on", "excluded": "off", "listed": ""}
    excluded = f"不计：与主要诊断 {told.dx[0]} 同在排除表 {one.table}"
    return {
        "code": one.code,
        "name": told.tables.dx_names.get(one.code, ""),
        "kind": one.kind.upper(),
        "table": one.table,
        "result": _RESULTS.get(one.state, excluded),
        "style": styles[one.state],
    }


def _why(why: WhyNot) -> dict[str, Any]:
    ways = [
        {
            "into": f"归入 {group_text(why.tables, way.outcome.drg)}",
            "texts": [change.text(why.tables) for change in way.changes],
        }
        for way in why.ways
    ]
    return {"group": why.group, "name": why.name, "reasons": why.reasons, "ways": ways}
