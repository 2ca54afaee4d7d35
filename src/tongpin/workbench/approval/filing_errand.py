"""Filing errand 国考填报: the indicators of a hospital-year that are ready, submitted as approved (S909-01)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tongpin.base.digest import text_digest
from tongpin.base.errors import TongpinError
from tongpin.measures.guokao.compute import FILED_LABEL
from tongpin.measures.guokao.hospital import hospital_named
from tongpin.measures.guokao.sheet_xlsx import SIMULATED, figure_text, sheet_rows
from tongpin.measures.guokao.tasks import submitted_figures
from tongpin.payment.month.closed import check_approved
from tongpin.store.journal import canonical_json
from tongpin.workbench.approval.errand_shapes import Errand, Proposal, Task, Wanted, column, fact, table
from tongpin.workbench.assess.filing import counted_now, desk_of, filing
from tongpin.workbench.today import today

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tongpin.measures.guokao.tasks import Desk
    from tongpin.store.home import Home
    from tongpin.workbench.assess.filing import Filing

GUOKAO = "filing"
_READY = (
    column("sub", "编号"),
    column("name", "指标"),
    column("unit", "单位"),
    column("value", "本年"),
    column("simulated", "模拟"),
    column("last", "上年（同期）"),
    column("change", "变化"),
    column("how", "得数"),
    column("source", "来源"),
    column("owner", "责任科室"),
    column("state", "状态"),
    column("reason", "变化原因"),
)
_OTHERS = (column("no", "编号"), column("name", "指标"), column("owner", "责任科室"), column("lacking", "为什么不在内"))


def _propose(home: Home, wanted: Wanted) -> Proposal:
    hospital = hospital_named(home, wanted.hospital, wanted.year)
    found = filing(home, counted_now(home, hospital.code, wanted.year))
    figures = submitted_figures(found.counted.values)
    lacking = _lacking(desk_of(home, hospital, wanted.year), found, figures)
    ready = [number for number, told in lacking.items() if not told]
    if not ready:
        raise TongpinError(
            "guokao.nothing",
            "没有一项指标可以提交，不起草",
            where=f"{hospital.code} {wanted.year}",
            hint="在填报表里分派科室、附佐证、说明变化原因；缺的见各项",
        )
    rows = _ready_rows(found, figures, ready)
    names = {one["no"]: one["name"] for one in reversed(found.counted.values.select(["no", "name"]).to_pylist())}
    others = [
        {"no": number, "name": names[number], "owner": found.tasks[number].owner, "lacking": "、".join(told)}
        for number, told in lacking.items()
        if told
    ]
    assumed = [row["sub"] for row in rows if row["simulated"]]
    digest = _digest(figures, ready)
    payload = {
        "hospital": hospital.code,
        "year": wanted.year,
        "numbers": ready,
        "approved": {"result_digest": digest},
        "assumed": assumed,
        "simulated": f"模拟：{len(assumed)} 个数的算式没有公开材料确认" if assumed else "",
        "basis": [
            fact("hospital", "医疗机构", f"{hospital.name}（{hospital.code}）"),
            fact("manual", "手册", hospital.manual.label),
            fact("year", "年度", str(wanted.year)),
            fact("ready", "本次提交", len(ready), "integer", "项"),
            fact("others", "不在内", len(others), "integer", "项"),
            fact("result", "结果摘要", digest[:16]),
        ],
        "tables": [
            table("rows", "本次提交的指标", _READY, rows, amounts=("value", "last")),
            table("others", "不在本次提交之内的指标", _OTHERS, others),
        ],
        "notes": list(found.notices),
    }
    title = f"{hospital.name}{wanted.year}年度国考填报"
    return Proposal(f"{hospital.code}/{wanted.year}", title, payload, institution_code=hospital.code)


def _lacking(desk: Desk, found: Filing, figures: Mapping[str, Sequence[Any]]) -> dict[str, list[str]]:
    """What keeps each indicator from being submitted."""
    large = {one.no for one in found.counted.changes if one.is_large}
    return {
        number: desk.lacking(task, figures.get(number, ()), is_large=number in large)
        for number, task in found.tasks.items()
    }


def _ready_rows(found: Filing, figures: Mapping[str, Sequence[Any]], ready: Sequence[str]) -> list[dict[str, Any]]:
    """The figures as they will be submitted, beside last year's."""
    sent = {one["sub"]: one for number in ready for one in figures[number]}
    large = {one.sub for one in found.counted.changes if one.is_large}
    texts = sheet_rows(found.counted.values, found.counted.changes, found.tasks, found.steps)
    rows = []
    for row, text in zip(found.counted.values.to_pylist(), texts, strict=True):
        one = sent.get(row["sub"])
        if one is None:
            continue
        is_filed = one["source"] == FILED_LABEL
        rows.append(
            {
                **{name: text[name] for name in ("sub", "name", "unit", "last", "change", "owner", "state")},
                "value": figure_text(one["value"], row["unit"]),
                "simulated": SIMULATED if row["assumed"] and one["value"] is not None and not is_filed else "",
                "how": "填报" if is_filed else "计算",
                "source": "，".join(filter(None, (one["source"], row["document"], text["evidence"]))),
                "reason": found.tasks[row["no"]].reason if row["sub"] in large else "",
            }
        )
    return rows


def _digest(figures: Mapping[str, Sequence[Any]], numbers: Sequence[str]) -> str:
    return text_digest([canonical_json({number: list(figures.get(number, ())) for number in numbers})])


def _submit(home: Home, task: Task) -> dict[str, Any]:
    payload, numbers = task.payload, task.payload["numbers"]
    hospital = hospital_named(home, payload["hospital"], payload["year"])
    desk = desk_of(home, hospital, payload["year"])
    done = {"result_digest": payload["approved"]["result_digest"], "numbers": numbers}
    known = desk.tasks()
    last = {number: known[number].submissions[-1:] for number in numbers}
    if all(sent and sent[0].body.get("document") == task.document for sent in last.values()):
        return done | {"was_closed": True}
    counted = counted_now(home, hospital.code, payload["year"])
    figures = submitted_figures(counted.values)
    check_approved({"result_digest": _digest(figures, numbers)}, payload["approved"])
    desk.submit(numbers, figures, counted.changes, today(home), task.actor, task.document)
    return done | {"was_closed": False}


FILING = Errand(
    GUOKAO,
    "guokao.write",
    "提交",
    "登记已向上级平台提交公文所列的指标，连同批准的数；数与批准时不同就不提交。",
    "重新取数",
    _propose,
    _submit,
)
