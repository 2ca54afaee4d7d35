"""Review sheets 单议的单据: an application as hospital and bureau see it, as an expert sees it, and a quarter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tongpin.payment.review.account import VERDICTS
from tongpin.payment.review.criteria import LABELS
from tongpin.payment.review.publication import AMOUNTS, COUNTS
from tongpin.workbench.api.sheets import Sheet, SheetColumn, SheetField, SheetSection

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tongpin.payment.review.account import Application
    from tongpin.payment.review.candidates import Candidate
    from tongpin.payment.review.publication import Publication
    from tongpin.payment.review.quota import Quota

_FEES = (
    ("drug_fee_fen", "药品费"),
    ("consumable_fee_fen", "卫生材料费"),
    ("exam_fee_fen", "检查化验费"),
    ("service_fee_fen", "其余医疗服务费"),
    ("total_fee_fen", "总费用"),
)


def application_sheet(one: Application, notices: Sequence[str], *, is_blind: bool) -> Sheet:
    """An application; blind: nothing of whose the case is, and no other expert's vote (S903-02)."""
    body, figures = one.body, one.body["figures"]
    fields = [
        SheetField(id="state", label="状态", value=one.state),
        SheetField(id="criterion", label="申报条件", value=LABELS[body["criterion"]]),
        SheetField(id="drg", label="病组", value=body["drg"]),
        SheetField(id="age", label="年龄", kind="integer", unit="岁", value=figures["age"]),
        SheetField(id="los", label="住院天数", kind="integer", unit="天", value=figures["los"]),
        SheetField(id="gross", label="现在应付", kind="money", unit="元", value=figures["gross_fen"]),
        SheetField(id="asked", label="全部同意的应付", kind="money", unit="元", value=body["pay"]["amount_fen"]),
        SheetField(id="reason", label="申报理由", value=body["reason"]),
    ]
    if not is_blind:
        fields = [
            SheetField(id="institution", label="医疗机构", value=body["institution_name"]),
            SheetField(id="list_id", label="结算号", value=body["list_id"]),
            SheetField(id="filed", label="申报日", kind="date", value=str(one.filed)),
            SheetField(id="deadline", label="申报期限", kind="date", value=str(body["deadline"])),
            SheetField(id="quota", label="例数上限", value=body["quota"]["text"]),
            *fields,
        ]
    sections = [
        SheetSection(id="application", label="申报", fields=fields),
        SheetSection(
            id="verdicts",
            label="逐条对照",
            columns=[
                SheetColumn(id="label", label="条件"),
                SheetColumn(id="met", label="达到", kind="flag"),
                SheetColumn(id="text", label="数字"),
            ],
            rows=[{name: verdict[name] for name in ("label", "met", "text")} for verdict in body["verdicts"]],
        ),
        SheetSection(
            id="clinical",
            label="诊断与手术",
            columns=[SheetColumn(id="kind", label="种类"), SheetColumn(id="text", label="编码与名称")],
            rows=[
                {"kind": label, "text": text}
                for name, label in (("diagnoses", "诊断"), ("procedures", "手术操作"))
                for text in body["clinical"][name]
            ],
        ),
        SheetSection(
            id="fees",
            label="费用",
            fields=[
                SheetField(id=name, label=label, kind="money", unit="元", value=figures[name]) for name, label in _FEES
            ],
        ),
        *([] if is_blind else [_votes(one)]),
        *_decision(one),
    ]
    return Sheet(
        title=f"特例单议 {one.id}",
        note=one.state,
        simulated=bool(body["assumed"]),
        sections=sections,
        notes=[*notices, f"{body['policy_label']}，摘要 {body['policy_digest'][:16]}"],
    )


def candidate_sheet(one: Candidate, quota: Quota | None, notices: Sequence[str], *, simulated: bool) -> Sheet:
    """A list that could be applied for: its figures, the criteria it meets, the deadline, what is left of the quota."""
    fields = [
        SheetField(id="institution", label="医疗机构", value=one.institution_name),
        SheetField(id="drg", label="病组", value=one.drg),
        SheetField(id="los", label="住院天数", kind="integer", unit="天", value=one.los),
        SheetField(id="fee", label="费用", kind="money", unit="元", value=one.fee_fen),
        SheetField(id="standard", label="支付标准", kind="money", unit="元", value=one.standard_fen),
        SheetField(id="gross", label="现在应付", kind="money", unit="元", value=one.gross_fen),
        SheetField(id="gain", label="同意后增加", kind="money", unit="元", value=one.gain_fen),
        SheetField(id="deadline", label="申报期限", kind="date", value=str(one.deadline)),
        SheetField(
            id="left", label="期限", value=f"还有 {one.days_left} 天" if one.days_left >= 0 else "已过期限，不能申报"
        ),
        SheetField(id="quota", label="例数上限", value=quota.text if quota else None),
        SheetField(id="application", label="申报", value=one.application or "还没有申报"),
    ]
    criteria = SheetSection(
        id="criteria",
        label="达到的条件",
        columns=[SheetColumn(id="code", label="代码"), SheetColumn(id="label", label="条件")],
        rows=[{"code": code, "label": LABELS[code]} for code in one.criteria],
    )
    return Sheet(
        title=f"清单 {one.list_id}",
        note="可申报特例单议",
        simulated=simulated,
        sections=[SheetSection(id="candidate", label="清单", fields=fields), criteria],
        notes=[*notices],
    )


def publication_sheet(found: Publication, notices: Sequence[str]) -> Sheet:
    """A quarter's publication by hospital; no person in it (S903-03)."""
    columns = [
        SheetColumn(id="institution_name", label="医疗机构"),
        *(SheetColumn(id=name, label=label, kind="integer") for name, label in COUNTS.items()),
        *(SheetColumn(id=name, label=label, kind="money", unit="万元") for name, label in AMOUNTS.items()),
    ]
    rows = [*found.rows, {"institution_name": "合计", **found.total}]
    state = f"{found.on} 公示" if found.was_published else "草稿，未公示" if found.draft else "已公示"
    return Sheet(
        title=f"{found.quarter} 特例单议公示",
        note=state,
        simulated=found.assumed,
        sections=[SheetSection(id="quarter", label="各机构", columns=columns, rows=rows)],
        notes=[*notices, f"摘要 {found.digest[:16]}"],
    )


def _votes(one: Application) -> SheetSection:
    rows: list[dict[str, Any]] = []
    for code in one.panel:
        event = one.votes.get(code)
        # How a colleague voted is for nobody to see before all have voted and the review is closed.
        open_vote = event is not None and one.decided is not None
        rows.append(
            {
                "expert": code,
                "state": "已投票" if event else "未投票",
                "verdict": VERDICTS[event.body["verdict"]] if event and open_vote else None,
                "amount_fen": event.body["amount_fen"] if event and open_vote else None,
                "opinion": event.body["opinion"] if event and open_vote else None,
            }
        )
    return SheetSection(
        id="votes",
        label="评审组",
        note="专家只写代码；结论之前不显示各人意见",
        columns=[
            SheetColumn(id="expert", label="专家"),
            SheetColumn(id="state", label="投票"),
            SheetColumn(id="verdict", label="意见"),
            SheetColumn(id="amount_fen", label="认定应付", kind="money", unit="元"),
            SheetColumn(id="opinion", label="理由"),
        ],
        rows=rows,
    )


def _decision(one: Application) -> list[SheetSection]:
    if one.decided is None:
        return []
    body = one.decided.body
    fields = [
        SheetField(id="outcome", label="结论", value=VERDICTS[body["outcome"]]),
        SheetField(id="rule", label="表决", value=body["rule"]),
        SheetField(id="amount", label="评审后应付", kind="money", unit="元", value=body["amount_fen"]),
        SheetField(id="minutes", label="纪要", value=body["minutes"]),
        SheetField(id="document", label="文号", value=body["document"]),
        SheetField(id="on", label="日期", kind="date", value=str(one.decided.on)),
        SheetField(id="effect", label="入清算", value="在年度清算第 8 步按这个结论改付"),
    ]
    return [SheetSection(id="decision", label="结论", fields=fields)]
