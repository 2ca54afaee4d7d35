"""Papers of the review 单议文书: application form, blind sheets, minutes, quarterly publication (A4, xlsx)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tongpin.base.money import round_half_up
from tongpin.payment.review.account import VERDICTS, Application
from tongpin.payment.review.criteria import ITEM_KINDS, LABELS
from tongpin.payment.review.publication import AMOUNTS, COUNTS
from tongpin.records.formats.tables import code_words
from tongpin.report.pdf import Paper, Ruled, write_papers
from tongpin.report.words import capital_amount, count_text, wan_text, yuan_text
from tongpin.report.xlsx import Column, Sheet, write_workbook

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tongpin.payment.review.publication import Publication

_GAP = "　" * 6
_BLANK = " \n "
"""Room for what is written by hand."""
_FEES: tuple[tuple[str, str], ...] = (
    ("drug_fee_fen", "药品费"),
    ("consumable_fee_fen", "卫生材料费"),
    ("exam_fee_fen", "检查化验费"),
    ("service_fee_fen", "其余医疗服务费"),
    ("total_fee_fen", "总费用"),
)
SIMULATED = "模拟：单议的条件、期限与表决办法有取值没有文件确认"


def notices_of(assumed: bool, more: Sequence[str] = ()) -> list[str]:
    """The lines that a paper carries above everything: synthetic data, and 模拟 where values are assumed."""
    return [*more, *[SIMULATED] * assumed]


def write_application(one: Application, path: Path, notices: Sequence[str] = ()) -> None:
    """Write the 申报单 of an application (A4), ready for the hospital's stamp (S903-01)."""
    body = one.body
    heading = [
        f"医疗机构：{body['institution_name']}（{body['institution_code']}）　{body['hospital_level']}",
        f"申报编号：{one.id}　清单：{body['list_id']}　病组：{body['drg']}　入账月份：{body['period']}",
        f"申报日期：{one.filed}　申报期限：{body['deadline']}",
        *notices,
    ]
    parts: list[str | Ruled] = [
        f"申报条件：{LABELS[body['criterion']]}",
        f"申报理由：{body['reason']}",
        *_item_lines(body),
        _criteria_table(body),
        *_clinical_lines(body),
        _fee_table(body),
        f"例数上限：{body['quota']['text']}（不含本例）",
        _pay_table(body),
        Ruled(
            ("附件", "大小（字节）", "摘要（SHA-256）"),
            (4, 2, 8),
            [(one["name"], count_text(one["bytes"]), one["sha256"][:32]) for one in body["attachments"]]
            or [("（没有附件）", "", "")],
        ),
    ]
    closing = (f"填报：{_GAP}医保办审核：{_GAP}日期：{_GAP}", f"医疗机构（盖章）：{_GAP}{_GAP}经办机构收件：{_GAP}")
    paper = Paper("特例单议申报单", heading, parts, closing, _foot(one))
    write_papers([paper], path, title=f"特例单议申报单 {one.id}")


def write_blind_sheets(waiting: Sequence[Application], path: Path, notices: Sequence[str] = ()) -> None:
    """Write a sheet for every expert and application of their panels that has no vote yet (A4).

    It carries no institution, doctor, list or person, and no name of a file (S903-02).
    """
    papers = [blind_paper(one, code, notices) for one in waiting for code in sorted(one.panel) if code not in one.votes]
    write_papers(papers, path, title="特例单议专家盲审单")


def blind_paper(one: Application, expert: str, notices: Sequence[str] = ()) -> Paper:
    """The sheet of one expert of the panel: nothing of whose the case is (S903-02)."""
    body, figures = one.body, one.body["figures"]
    full = yuan_text(body["pay"]["amount_fen"])
    sex = {1: "男", 2: "女"}.get(figures["sex"], "未填")
    heading = [
        f"申报编号：{one.id}　专家代码：{expert}",
        f"病组：{body['drg']}　性别：{sex}　年龄：{count_text(figures['age'])} 岁",
        *notices,
    ]
    digests = "、".join(
        f"附件 {place}（摘要 {file['sha256'][:8]}）" for place, file in enumerate(body["attachments"], start=1)
    )
    parts: list[str | Ruled] = [
        f"申报条件：{LABELS[body['criterion']]}",
        f"申报理由：{body['reason']}",
        *_item_lines(body),
        _criteria_table(body),
        *_clinical_lines(body),
        _fee_table(body),
        f"材料：{digests or '没有附件'}",
        f"应付总额（含个人与其他基金）：现在 {yuan_text(figures['gross_fen'])} 元，全部同意 {full} 元",
        Ruled(
            ("评审意见（选一项）", "理由"),
            (4, 8),
            [("□ 同意", _BLANK), ("□ 部分同意\n应付总额（元）：", _BLANK), ("□ 不同意", _BLANK)],
        ),
        "本人与本例没有利害关系；如有，请不要评审，告知经办机构回避。",
    ]
    return Paper("特例单议专家盲审单", heading, parts, (f"专家签字（只写代码）：{_GAP}日期：{_GAP}",), _foot(one))


def write_minutes(one: Application, path: Path, notices: Sequence[str] = ()) -> None:
    """Write the 评审纪要 of a decided application: votes by expert code, the rule, the result, what it changes."""
    body, decided = one.body, one.decided
    if decided is None:
        raise ValueError("minutes are written of a decided application")
    votes = [
        (
            code,
            VERDICTS[event.body["verdict"]],
            yuan_text(event.body["amount_fen"]),
            event.body["opinion"],
            str(event.on),
        )
        for code, event in sorted(one.votes.items())
    ]
    heading = [
        f"申报编号：{one.id}　医疗机构：{body['institution_name']}（{body['institution_code']}）",
        f"清单：{body['list_id']}　病组：{body['drg']}　申报条件：{LABELS[body['criterion']]}",
        *notices,
    ]
    parts: list[str | Ruled] = [
        Ruled(("专家", "意见", "认定应付（元）", "理由", "日期"), (1.6, 1.8, 2.4, 7, 2), votes, frozenset({2})),
        *(
            f"回避：专家 {event.body['expert']}，{event.body['reason']}，改由 {event.body['replaced_by']}"
            for event in one.recusals
        ),
        f"表决：{decided.body['rule']}",
        f"结论：{VERDICTS[decided.body['outcome']]}（{decided.body['result']}）",
        *effect_lines(one),
        f"纪要：{decided.body['minutes']}",
        f"依据：{decided.body['document']}；付费办法 {body['policy_label']}（{body['policy']}）",
    ]
    closing = [f"组长：{_GAP}记录：{_GAP}日期：{decided.on}", f"经办机构（盖章）：{_GAP}"]
    if one.is_approved:
        closing.insert(0, f"评审后应付总额（大写）：{capital_amount(decided.body['amount_fen'])}")
    write_papers(
        [Paper("特例单议评审纪要", heading, parts, closing, _foot(one))], path, title=f"特例单议评审纪要 {one.id}"
    )


def effect_lines(one: Application) -> list[str]:
    """What a decision changes, in words; nothing before it is made."""
    decided, figures = one.decided, one.body["figures"]
    if decided is None:
        return []
    if not one.is_approved:
        return ["清算第 8 步不改变这一例，照月结支付"]
    amount, gross = decided.body["amount_fen"], figures["gross_fen"]
    change = f"{yuan_text(gross)} 元改为 {yuan_text(amount)} 元，增加 {yuan_text(amount - gross)} 元"
    return [f"清算第 8 步：该例应付总额由 {change}；是否在例数上限内，以年度清算为准"]


def write_publication_xlsx(found: Publication, path: Path, notices: Sequence[str] = ()) -> None:
    """Write a quarter's publication as a workbook: one sheet, hospitals as rows, the totals last (S903-03)."""
    columns = [
        Column("institution_name", "医疗机构"),
        Column("institution_code", "机构代码"),
        *(Column(name, label, "count", "例数") for name, label in COUNTS.items()),
        *(Column(name, label, "yuan", "金额（元）") for name, label in AMOUNTS.items()),
    ]
    total = {"institution_name": "合计", **found.total}
    sheet = Sheet("公示", _title(found), columns, found.rows, [*notices, *_forms(found)], [total], freeze_columns=1)
    write_workbook([sheet], path, title=_title(found), subject="特例单议季度公示")


def write_publication_pdf(found: Publication, path: Path, notices: Sequence[str] = ()) -> None:
    """Write a quarter's publication on A4, ready for the stamp (S903-03)."""
    titles = (
        "医疗机构",
        "待评",
        "申请",
        "撤回",
        "评审",
        "同意",
        "部分",
        "不同意",
        "未评",
        "费用",
        "评审前",
        "评审后",
        "增加",
    )
    rows = [
        (
            row["institution_name"],
            *(count_text(row[name]) for name in COUNTS),
            *(wan_text(row[name]) for name in AMOUNTS),
        )
        for row in (*found.rows, {"institution_name": "合计", **found.total})
    ]
    widths = (3.4, *([1.7] * (len(COUNTS) - 2)), 2.0, 1.7, *([2.1] * len(AMOUNTS)))
    parts: list[str | Ruled] = [
        Ruled(titles, widths, rows, frozenset(range(1, len(titles)))),
        "例数：待评为上季末，未评为本季末；金额单位为万元，只含批准（同意、部分同意）的病例。",
        *_forms(found),
    ]
    closing = (f"经办机构（盖章）：{_GAP}{_GAP}公示日期：{found.on}", f"异议受理：{_GAP}{_GAP}")
    paper = Paper(
        _title(found), list(notices), parts, closing, f"{found.area} {found.quarter}　摘要 {found.digest[:16]}"
    )
    write_papers([paper], path, title=_title(found))


def _title(found: Publication) -> str:
    draft = "（草稿）" if found.draft else ""
    return f"{found.area_label}{found.quarter[:4]}年第{found.quarter[-1]}季度特例单议公示{draft}"


def _forms(found: Publication) -> list[str]:
    return [
        f"付费办法：{found.policy_label}；上季末待评 + 本季申请 = 本季撤回 + 本季评审 + 本季末待评",
        "应付为该例应付总额（含个人与其他基金）；批准的病例是否在例数上限内，以年度清算为准。公示不含任何个人信息。",
    ]


def _item_lines(body: Mapping[str, Any]) -> list[str]:
    item = body["item"]
    if item is None:
        return []
    kind = ITEM_KINDS[item["kind"]][0]
    return [f"新项目：{item['name'] or ''} {item['code']}（{kind}），本例费用 {yuan_text(item['fee_fen'])} 元"]


def _criteria_table(body: Mapping[str, Any]) -> Ruled:
    rows = [(one["label"], one["text"], "符合" if one["met"] else "不符合") for one in body["verdicts"]]
    return Ruled(("条件", "本例的数", "结果"), (3, 10, 1.6), rows)


def _clinical_lines(body: Mapping[str, Any]) -> list[str]:
    figures, clinical = body["figures"], body["clinical"]
    dept = code_words("RC023").get(figures["dept"] or "", figures["dept"] or "未填")
    ventilation = round((figures["ventilation_minutes"] or 0) / 60)
    stay = f"住院 {count_text(figures['los'])} 天；出院科别 {dept}；经过 {figures['department_count']} 个科室"
    return [
        f"{stay}；重症监护 {figures['icu_hours'] or 0} 小时；呼吸机 {ventilation} 小时",
        f"诊断：{'；'.join(clinical['diagnoses']) or '—'}",
        f"手术操作：{'；'.join(clinical['procedures']) or '—'}",
    ]


def _fee_table(body: Mapping[str, Any]) -> Ruled:
    figures = body["figures"]
    count = figures["group_cases"]
    means = {
        "drug_fee_fen": figures["group_drug_fee_fen"],
        "consumable_fee_fen": figures["group_consumable_fee_fen"],
        "service_fee_fen": figures["group_service_fee_fen"],
        "total_fee_fen": figures["group_fee_fen"],
    }
    rows = [
        (label, yuan_text(figures[name]), yuan_text(round_half_up(means[name], count)) if name in means else "—")
        for name, label in _FEES
    ]
    return Ruled(("费用", "本例（元）", f"同组 {count} 例平均（元）"), (4, 3, 3), rows, frozenset({1, 2}))


def _pay_table(body: Mapping[str, Any]) -> Ruled:
    figures = body["figures"]
    rows = [
        ("支付标准", "", yuan_text(figures["standard_fen"]), ""),
        ("现在应付总额", "月结已入账", yuan_text(figures["gross_fen"]), ""),
        *(
            (f"全部同意：{step['label']}", step["text"], yuan_text(step["amount_fen"]), step["source"])
            for step in body["pay"]["steps"]
        ),
    ]
    return Ruled(("项目", "怎样得出", "金额（元）", "依据"), (3, 7, 2.6, 2), rows, frozenset({2}))


def _foot(one: Application) -> str:
    return f"{one.id}　付费办法摘要 {one.body['policy_digest'][:16]}"
