"""`tongpin review`: special cases from the candidates to the publication."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from tongpin.cli.output import screen

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from tongpin.payment.review.account import Application
    from tongpin.payment.review.criteria import Item
    from tongpin.store.home import Home

_LEAST_LINES = 40
"""How many candidates a screen shows; the JSON answer has all."""


def candidates(
    home_path: Path | None, span: str, institution: str | None, on: datetime | None, area: str | None
) -> None:
    """Show the lists that could be applied for, and what is left of the quotas."""
    from tongpin.payment.review.candidates import candidates as find
    from tongpin.payment.review.criteria import LABELS
    from tongpin.report.words import yuan_text

    home = _home(home_path)
    found = find(home, span, _day(on), area)
    rows = [one for one in found.rows if institution in {None, one.institution_code}]
    quotas = [one for one in found.quotas if institution in {None, one.institution_code}]
    notices = [*_notices(home, found.assumed), *found.notes]
    screen.give(
        {
            "ok": True,
            "candidates": [one._asdict() for one in rows],
            "quotas": [{**one._asdict(), "left": one.left, "text": one.text} for one in quotas],
            "notes": notices,
        }
    )
    screen.table(
        f"可以申报的清单 {span}（{len(rows)} 份；金额为元）",
        ["机构", "清单", "病组", "天数", "费用", "支付标准", "现在应付", "同意后增加", "条件", "申报期限", "申报"],
        [
            [
                one.institution_name,
                one.list_id,
                one.drg,
                str(one.los or ""),
                *(yuan_text(fen) for fen in (one.fee_fen, one.standard_fen, one.gross_fen, one.gain_fen)),
                "、".join(LABELS[code] for code in one.criteria),
                f"{one.deadline}（{'还有' if one.days_left >= 0 else '已过'} {abs(one.days_left)} 天）",
                one.application or "",
            ]
            for one in rows[:_LEAST_LINES]
        ],
    )
    if len(rows) > _LEAST_LINES:
        screen.say(f"只列出前 {_LEAST_LINES} 份；全部用 --json，或用 --institution 只看一家")
    names = {one.institution_code: one.institution_name for one in rows}
    for quota in quotas:
        screen.say(f"{names.get(quota.institution_code, quota.institution_code)}：{quota.text}")
    for note in notices:
        screen.say(note)
    if rows:
        screen.say("下一步：tongpin review apply 清单 --criterion 条件 --reason 理由 --attach 附件")


def apply(
    home_path: Path | None,
    list_id: str,
    criterion: str,
    reason: str,
    attachments: Sequence[Path],
    item: tuple[str | None, str, str, str],
    institution: str | None,
    on: datetime | None,
    actor: str,
    area: str | None,
) -> None:
    """File an application and write its form."""
    from tongpin.payment.review.apply import apply_for
    from tongpin.payment.review.criteria import LABELS
    from tongpin.payment.review.papers import write_application

    home = _home(home_path)
    codes = {label: code for code, label in LABELS.items()}
    one = apply_for(
        home,
        list_id,
        codes.get(criterion, criterion),
        reason,
        attachments,
        _day(on),
        area=area,
        institution=institution,
        item=_item(item),
        actor=actor,
    )
    path = _report(home, f"特例单议申报单-{one.id}.pdf")
    write_application(one, path, _notices(home, one.body["assumed"]))
    _told(one, paper=str(path))
    screen.say(f"已申报 {one.id}：{one.body['institution_name']} {list_id}，{one.body['quota']['text']}（不含本例）")
    screen.say(f"申报单：{path}", f"application: {path}")
    screen.say("下一步：tongpin review assign 派专家盲审")


def withdraw(home_path: Path | None, name: str, reason: str, on: datetime | None, actor: str) -> None:
    """Take an application back."""
    from tongpin.payment.review.apply import withdraw as take_back

    one = take_back(_home(home_path), name, reason, _day(on), actor)
    _told(one)
    screen.say(f"已撤回 {name}：{reason}；记录保留，不占例数")


def listing(home_path: Path | None, area: str | None) -> None:
    """Show every application with its state."""
    from tongpin.payment.review.account import applications, read_events
    from tongpin.payment.review.criteria import LABELS
    from tongpin.report.words import yuan_text

    home = _home(home_path)
    known = list(applications(read_events(home, area)).values())
    notices = _notices(home, any(one.body["assumed"] for one in known))
    screen.give({"ok": True, "applications": [_summary(one) for one in known], "notes": notices})
    screen.table(
        f"特例单议申报（{len(known)} 份；金额为元）",
        ["编号", "机构", "清单", "条件", "申报日期", "状态", "现在应付", "评审后应付"],
        [
            [
                one.id,
                one.body["institution_name"],
                one.body["list_id"],
                LABELS[one.body["criterion"]],
                str(one.filed),
                one.state,
                yuan_text(one.body["figures"]["gross_fen"]),
                yuan_text(one.decided.body["amount_fen"]) if one.decided else "",
            ]
            for one in known
        ],
    )
    for note in notices:
        screen.say(note)
    screen.say("下一步：tongpin review show 编号" if known else "下一步：tongpin review candidates --month 月份")


def show(home_path: Path | None, name: str, *, papers: bool = False) -> None:
    """Everything about one application; its papers anew where asked for."""
    from tongpin.payment.review.account import VERDICTS, application_of, applications, read_events
    from tongpin.payment.review.criteria import LABELS
    from tongpin.payment.review.papers import effect_lines
    from tongpin.report.words import yuan_text

    home = _home(home_path)
    events = read_events(home)
    one = application_of(applications(events), name)
    body, figures = one.body, one.body["figures"]
    notices = _notices(home, body["assumed"])
    printed = _papers(home, one, notices) if papers else []
    mine = [event for event in events if event.subject == name]
    _told(
        one,
        events=[event._asdict() for event in mine],
        papers=[str(path) for path in printed],
        effect=effect_lines(one),
        notes=notices,
    )
    screen.say(f"\n特例单议 {name}：{one.state}　{body['institution_name']}（{body['institution_code']}）")
    screen.say(f"清单 {body['list_id']}，病组 {body['drg']}，入账 {body['period']}，清算年度 {body['year']}")
    screen.say(
        f"申报 {one.filed}（期限 {body['deadline']}），条件：{LABELS[body['criterion']]}，理由：{body['reason']}"
    )
    screen.table(
        "条件",
        ["条件", "本例的数", "结果", "参数"],
        [
            [line["label"], line["text"], "符合" if line["met"] else "不符合", line["parameter"]]
            for line in body["verdicts"]
        ],
    )
    screen.say(f"例数：{body['quota']['text']}（申报时，不含本例）")
    screen.say(f"现在应付 {yuan_text(figures['gross_fen'])} 元，支付标准 {yuan_text(figures['standard_fen'])} 元")
    for step in body["pay"]["steps"]:
        screen.say(f"全部同意：{step['label']}，{step['text']}［{step['source'] or '—'}］")
    for file in body["attachments"]:
        screen.say(f"附件：{file['name']}（{file['bytes']:,} 字节，摘要 {file['sha256'][:16]}）")
    if one.assigned:
        recused = "、".join(f"{code}（{why}）" for code, why in one.assigned.body["recused"].items()) or "无"
        screen.say(
            f"评审组：{'、'.join(one.panel)}（{one.assigned.on}，种子“{one.assigned.body['seed']}”）；回避：{recused}"
        )
    screen.table(
        "投票",
        ["专家", "意见", "认定应付（元）", "理由", "日期"],
        [
            [
                code,
                VERDICTS[event.body["verdict"]],
                yuan_text(event.body["amount_fen"]),
                event.body["opinion"],
                str(event.on),
            ]
            for code, event in one.votes.items()
        ],
    )
    if one.withdrawn:
        screen.say(f"撤回 {one.withdrawn.on}：{one.withdrawn.body['reason']}")
    if one.decided:
        screen.say(f"结论 {one.decided.on}：{VERDICTS[one.decided.body['outcome']]}，{one.decided.body['rule']}")
        screen.say(f"纪要：{one.decided.body['minutes']}（{one.decided.body['document']}）")
    for line in effect_lines(one):
        screen.say(line)
    for note in notices:
        screen.say(note)
    for path in printed:
        screen.say(f"文书：{path}", f"paper: {path}")
    screen.say(_next_step(one))


def experts(home_path: Path | None, file: Path | None, on: datetime | None, actor: str) -> None:
    """Load experts, or show them with how many applications each was given."""
    from tongpin.payment.review.account import applications, read_events
    from tongpin.payment.review.panel import add_experts, experts_of

    home = _home(home_path)
    if file is not None:
        added = add_experts(home, file, _day(on), actor)
        screen.say(f"已载入 {len(added)} 名专家")
    events = read_events(home)
    found = experts_of(events)
    given = [code for one in applications(events).values() for code in one.panel]
    screen.give({"ok": True, "experts": [{**one._asdict(), "given": given.count(one.code)} for one in found.values()]})
    screen.table(
        f"专家（{len(found)} 名）",
        ["代码", "科别", "所在机构", "利害关系机构", "已派份数"],
        [
            [one.code, one.specialty, one.institution_code, "、".join(one.conflicts), str(given.count(one.code))]
            for one in found.values()
        ],
    )
    screen.say("下一步：tongpin review assign" if found else "下一步：tongpin review experts 专家表.csv")


def assign(
    home_path: Path | None, name: str | None, seed: str, on: datetime | None, actor: str, area: str | None
) -> None:
    """Assign panels and write the blind sheets."""
    from tongpin.payment.review.lines import settled_area
    from tongpin.payment.review.panel import assign as draw

    home = _home(home_path)
    made = draw(home, settled_area(home, area), _day(on), only=name, seed=seed, actor=actor)
    paths = [_sheets(home, one) for one in made]
    screen.give({"ok": True, "assigned": [_summary(one) for one in made], "sheets": [str(path) for path in paths]})
    for one, path in zip(made, paths, strict=True):
        screen.say(f"{one.id}：专家 {'、'.join(one.panel)}；盲审单：{path}")
    screen.say(
        "下一步：tongpin review vote 编号 --expert 专家 --verdict agree|partial|refuse --opinion 意见"
        if made
        else "没有等待派专家的申报"
    )


def recuse(home_path: Path | None, name: str, expert: str, reason: str, on: datetime | None, actor: str) -> None:
    """Replace an expert and write the sheets anew."""
    from tongpin.payment.review.panel import recuse as replace

    home = _home(home_path)
    one = replace(home, name, expert, reason, _day(on), actor)
    path = _sheets(home, one)
    _told(one, sheet=str(path))
    screen.say(f"{name}：专家 {expert} 回避（{reason}），换为 {one.recusals[-1].body['replaced_by']}；盲审单：{path}")


def vote(
    home_path: Path | None,
    name: str,
    expert: str,
    verdict: str,
    opinion: str,
    amount: str | None,
    on: datetime | None,
) -> None:
    """Keep a vote."""
    from tongpin.payment.review.account import VERDICTS
    from tongpin.payment.review.panel import vote as keep

    codes = {label: code for code, label in VERDICTS.items()}
    fen = None if amount is None else _fen(amount, "--amount")
    one = keep(_home(home_path), name, expert, codes.get(verdict, verdict), opinion, _day(on), amount_fen=fen)
    _told(one)
    left = [code for code in one.panel if code not in one.votes]
    screen.say(f"已记 {expert} 对 {name} 的意见：{VERDICTS[one.votes[expert].body['verdict']]}")
    screen.say(f"还没有投票：{'、'.join(left)}" if left else _next_step(one))


def decide(home_path: Path | None, name: str, minutes: str, document: str, on: datetime | None, actor: str) -> None:
    """Close a review and write its minutes."""
    from tongpin.payment.review.panel import decide as close
    from tongpin.payment.review.papers import effect_lines, write_minutes

    home = _home(home_path)
    one = close(home, name, minutes, _day(on), document=document, actor=actor)
    path = _report(home, f"特例单议评审纪要-{name}.pdf")
    notices = _notices(home, one.body["assumed"])
    write_minutes(one, path, notices)
    _told(one, paper=str(path), effect=effect_lines(one), notes=notices)
    rule = one.decided.body["rule"] if one.decided else ""
    screen.say(f"{name}：{one.state}；{rule}")
    for line in (*effect_lines(one), *notices):
        screen.say(line)
    screen.say(f"评审纪要：{path}", f"minutes: {path}")
    screen.say(_next_step(one))


def publish(
    home_path: Path | None, quarter: str, on: datetime | None, actor: str, area: str | None, *, draft: bool
) -> None:
    """Publish a quarter as a workbook and on A4."""
    from tongpin.payment.review.account import AGREE, PARTIAL
    from tongpin.payment.review.papers import write_publication_pdf, write_publication_xlsx
    from tongpin.payment.review.publication import publish as make
    from tongpin.report.words import wan_text

    home = _home(home_path)
    found = make(home, quarter, _day(on), area, draft=draft, actor=actor)
    notices = _notices(home, found.assumed)
    stem = f"特例单议公示-{found.area}-{quarter}{'-草稿' if found.draft else ''}"
    paths = [_report(home, f"{stem}.xlsx"), _report(home, f"{stem}.pdf")]
    write_publication_xlsx(found, paths[0], notices)
    write_publication_pdf(found, paths[1], notices)
    screen.give({"ok": True, **found._asdict(), "papers": [str(path) for path in paths], "notes": notices})
    screen.table(
        f"特例单议公示 {quarter}（万元）",
        ["机构", "申请", "评审", "批准", "评审前应付", "评审后应付", "增加"],
        [
            [
                row.get("institution_name", "合计"),
                *(str(count) for count in (row["applied"], row["decided"], row[AGREE] + row[PARTIAL])),
                *(wan_text(row[name]) for name in ("gross_fen", "amount_fen", "added_fen")),
            ]
            for row in (*found.rows, found.total)
        ],
    )
    for note in notices:
        screen.say(note)
    said = "草稿，没有记公示" if found.draft else f"{found.on} 已公示{'，本次重印' * found.was_published}"
    screen.say(f"{quarter}：{said}")
    for path in paths:
        screen.say(f"公示：{path}", f"publication: {path}")


def _home(path: Path | None) -> Home:
    from tongpin.store.home import Home

    return Home.open(path)


def _day(on: datetime | None) -> date:
    return date.today() if on is None else on.date()  # noqa: DTZ011 - the clerk's own day


def _report(home: Home, name: str) -> Path:
    home.reports.mkdir(parents=True, exist_ok=True)
    return home.reports / name


def _notices(home: Home, assumed: bool) -> list[str]:
    from tongpin.payment.month.statement_columns import synthetic_notice
    from tongpin.payment.review.papers import notices_of

    return notices_of(assumed, synthetic_notice(home))


def _item(given: tuple[str | None, str, str, str]) -> Item | None:
    from tongpin.payment.review.criteria import Item

    code, name, kind, fee = given
    return None if code is None else Item(code, name, kind, _fen(fee, "--item-fee"))


def _fen(text: str, where: str) -> int:
    from decimal import InvalidOperation

    from tongpin.base.errors import PolicyError
    from tongpin.base.money import parse_yuan

    try:
        return parse_yuan(text)
    except (InvalidOperation, ValueError):
        raise PolicyError("review.yuan", f"金额“{text}”不对", where=where, hint="以元写，最多两位小数") from None


def _papers(home: Home, one: Application, notices: list[str]) -> list[Path]:
    from tongpin.payment.review.papers import write_application, write_minutes

    made = [_report(home, f"特例单议申报单-{one.id}.pdf")]
    write_application(one, made[0], notices)
    if one.decided:
        made.append(_report(home, f"特例单议评审纪要-{one.id}.pdf"))
        write_minutes(one, made[1], notices)
    return made


def _sheets(home: Home, one: Application) -> Path:
    from tongpin.payment.review.papers import write_blind_sheets

    path = _report(home, f"特例单议盲审单-{one.id}.pdf")
    write_blind_sheets([one], path, _notices(home, one.body["assumed"]))
    return path


def _summary(one: Application) -> dict[str, Any]:
    decided = one.decided.body if one.decided else None
    return {
        "id": one.id,
        "area": one.area,
        "state": one.state,
        "filed": one.filed,
        "panel": list(one.panel),
        "voted": sorted(one.votes),
        "decided": decided,
        **{name: one.body[name] for name in ("institution_code", "list_id", "criterion", "year", "pay", "quota")},
    }


def _told(one: Application, **more: Any) -> None:
    screen.give({"ok": True, **_summary(one), "body": one.body, **more})


def _next_step(one: Application) -> str:
    if one.withdrawn:
        return "已撤回：没有下一步"
    if one.decided:
        return f"下一步：tongpin clear --year {one.body['year']} 年度清算时进入第 8 步"
    if not one.assigned:
        return f"下一步：tongpin review assign {one.id}"
    missing = [code for code in one.panel if code not in one.votes]
    if missing:
        return f"下一步：tongpin review vote {one.id} --expert {missing[0]} …"
    return f"下一步：tongpin review decide {one.id} --minutes 纪要（票数相等须加派的先 assign）"
