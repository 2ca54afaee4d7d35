"""`tongpin lists`: where the lists of a month stand, overdue lists, publications, appeals, discharge to transfer."""

from __future__ import annotations

from datetime import date, datetime
from decimal import InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tongpin.base.errors import PolicyError
from tongpin.cli.output import screen

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tongpin.payment.lists.board import Board
    from tongpin.payment.lists.feedback import Appeal
    from tongpin.store.home import Home

EXAMPLES = 20
"""How many overdue lists a screen shows; JSON and the workbook have them all."""


def _day(on: datetime | None) -> date:
    return on.date() if on is not None else today()


def today() -> date:
    """The day on which a command runs, by the clock of the place."""
    return datetime.now().astimezone().date()


def _month(month: str) -> str:
    try:
        return f"{date.fromisoformat(f'{month}-01'):%Y-%m}"
    except ValueError:
        raise PolicyError("settle.month", f"月份“{month}”不对", hint="写成 2025-06 这样的年月") from None


def _opened(home_path: Path | None) -> Home:
    from tongpin.store.home import Home

    return Home.open(home_path)


def status(home_path: Path | None, area: str | None, month: str, on: datetime | None) -> None:
    """The board of a month: a table by hospital, and the workbook."""
    from tongpin.payment.lists.board import board_in_home
    from tongpin.payment.lists.board_xlsx import area_label, window_words, write_board_xlsx
    from tongpin.payment.lists.editions import area_in

    home, month = _opened(home_path), _month(month)
    board = board_in_home(home, area_in(home, area, month), month, _day(on))
    notices = _notices(home, board)
    home.reports.mkdir(parents=True, exist_ok=True)
    path = home.reports / f"清单上传情况-{board.area}-{month}.xlsx"
    write_board_xlsx(board, path, notices)
    rows = board.hospitals.to_pylist()
    screen.give(
        {
            "ok": True,
            "area": board.area,
            "month": month,
            "on": board.on,
            "published": None if board.published is None else board.published._asdict(),
            "hospitals": rows,
            "notes": [*notices, *board.notes],
            "report": str(path),
        }
    )
    names = ["should", "sent", "unsent", "returned_now", "uploaded", "accepted", "grouped", "appealed", "final"]
    names += ["ever_returned", "unsent_overdue", "sent_overdue", "resubmission_overdue", "late"]
    titles = ["应传", "已传", "未传", "退回待传", "待接收", "已接收", "已分组", "申诉中", "终审"]
    titles += ["曾退回", "未传超期", "迟传", "重传超期", "补传"]
    if rows:
        total = {name: sum(row[name] for row in rows) for name in names}
        shown = [*rows, {"institution_name": "合计", **total}]
        screen.table(
            f"{month} 出院的清单，{board.on} 的情况（{area_label(board)}{'；模拟' if _is_simulated(board) else ''}）",
            ["机构", *titles],
            [
                [row["institution_name"] or row["institution_code"], *(f"{row[name]:,}" for name in names)]
                for row in shown
            ],
        )
    else:
        screen.say(f"{month} 没有出院的住院清单，也没有医保住院的首页：先用 tongpin load 装载")
    screen.say(f"· {window_words(board)}")
    for note in (*notices, *board.notes):
        screen.say(f"· {note}")
    screen.say(f"清单上传情况：{path}", f"lists of the month: {path}")
    if board.published is None:
        screen.say(f"接着：关账后登记公布 tongpin lists publish --month {month} --on 日期")
    elif any(row["unsent_overdue"] or row["sent_overdue"] for row in rows):
        screen.say(f"接着：tongpin lists overdue --month {month} 看每份为什么逾期")


def _is_simulated(board: Board) -> bool:
    return board.policy is not None and any(key.startswith("clock.") for key in board.policy.assumed_keys())


def _notices(home: Home, board: Board) -> list[str]:
    from tongpin.payment.month.statement_columns import synthetic_notice

    simulated = "模拟：清单的时限没有文件确认"
    return [*synthetic_notice(home), *[simulated] * _is_simulated(board)]


def overdue(home_path: Path | None, area: str | None, month: str | None, on: datetime | None) -> bool:
    """The overdue lists by hospital, the worst in full; whether there are any."""
    from tongpin.payment.lists.editions import Editions, area_in
    from tongpin.payment.lists.overdue import overdue_lists, ruled_lists

    home, day = _opened(home_path), _day(on)
    month = None if month is None else _month(month)
    named = area_in(home, area, month or f"{day:%Y-%m}")
    found = overdue_lists(home, named, day, month)
    ruled = ruled_lists(home, named)
    rows = [
        {**one.row, "reason": one.reason, "decided": ruled.get((one.row["institution_code"], one.row["case_id"]))}
        for one in found
    ]
    latest = max((row["month"] for row in rows), default=month or f"{day:%Y-%m}")
    policy = Editions(home, named).of(latest)
    after = _consequence(policy, latest)
    screen.give({"ok": not rows, "area": named, "on": day, "count": len(rows), "lists": rows, "consequence": after})
    if not rows:
        screen.say(f"{day}：没有逾期的清单")
        return False
    by_hospital: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        by_hospital.setdefault(row["institution_code"], []).append(row)
    screen.table(
        f"逾期的清单 {len(rows):,} 份，{day} 的情况（{named}）",
        ["机构", "份数", "未传", "迟传", "重传超期", "最多超期日数"],
        [
            [
                code,
                f"{len(each):,}",
                f"{sum(bool(row['upload_over_days']) and row['first_upload'] is None for row in each):,}",
                f"{sum(bool(row['upload_over_days']) and row['first_upload'] is not None for row in each):,}",
                f"{sum(bool(row['resubmission_over_days']) for row in each):,}",
                f"{max(max(row['upload_over_days'], row['resubmission_over_days']) for row in each):,}",
            ]
            for code, each in sorted(by_hospital.items(), key=lambda pair: -len(pair[1]))
        ],
    )
    for row in rows[:EXAMPLES]:
        decided = f"；已有决定：{row['decided']}" if row["decided"] else ""
        screen.say(f"{row['institution_code']} {row['case_id']}：{row['reason']}{decided}")
    if len(rows) > EXAMPLES:
        screen.say(f"还有 {len(rows) - EXAMPLES:,} 份：用 --json，或看 tongpin lists status --month 的工作簿")
    screen.say(f"后果：{after}")
    screen.say("免于扣减的：在决定表写一行 kind 为 overdue、result 为 豁免 的决定再装载")
    return True


def _consequence(policy: Any, month: str) -> str:
    """What an edition does with overdue lists, in words."""
    from tongpin.payment.lists.clocks import CLOCK_LABELS, COUNTS

    if policy is None or COUNTS not in policy.edition.parameters:
        return "付费办法没有写哪些超期记为逾期清单（overdue.counts），清算时不扣减"
    on = date.fromisoformat(f"{month}-01")
    counts = "、".join(CLOCK_LABELS[one] for one in policy.value(COUNTS, on)) or "没有一种"
    simulated = "；模拟" if "overdue.share" in policy.assumed_keys() else ""
    if not {"overdue.share", "overdue.base"} <= policy.edition.parameters.keys():
        return f"{counts}超期的在年度清算记为逾期；付费办法没有写付几成（overdue.share、overdue.base），清算时会拒绝"
    base = {"gross": "应付总额", "pool": "统筹应付"}[policy.value("overdue.base", on)]
    shares = policy.edition.parameters["overdue.share"]
    share = f"{policy.value('overdue.share', on) * 100:g}%" if not shares.by else "按结算级别的比例"
    return f"{counts}超期的在年度清算第 8 步付{base}的 {share}（{policy.id}{simulated}）"


def publish(home_path: Path | None, area: str | None, month: str, on: datetime, reason: str) -> None:
    """Record a publication and say until when hospitals may appeal."""
    from tongpin.payment.lists.editions import area_in
    from tongpin.payment.lists.feedback import publish as record
    from tongpin.payment.lists.feedback import window_words

    home, month = _opened(home_path), _month(month)
    named = area_in(home, area, month)
    published = record(home, named, month, on.date(), reason)
    screen.give({"ok": True, "area": named, "month": month, **published._asdict()})
    words = window_words(home, named, month, on.date())
    until = f"申诉至 {published.until}（公布后 {words}）" if published.until else f"付费办法{words}，随时可以申诉"
    screen.say(f"{named} {month} 的分组结果于 {published.on} 公布；{until}")
    screen.say("接着：医院有异议的用 tongpin lists appeal file 结算号 --reason …；期限过后为终审")


def file_appeal(
    home_path: Path | None,
    area: str | None,
    setl_id: str,
    on: datetime,
    reason: str,
    texts: Sequence[str],
    attachments: Sequence[Path],
    institution: str | None,
) -> None:
    """File an appeal."""
    from tongpin.payment.lists.feedback import file_appeal as record

    home = _opened(home_path)
    one = record(
        home,
        _closed_area(home, area),
        setl_id,
        on.date(),
        reason,
        institution_code=institution,
        texts=texts,
        attachments=attachments,
    )
    screen.give({"ok": True, **_given(one)})
    until = f"（期限 {one.window_end}）" if one.window_end else ""
    screen.say(f"已收下 {one.institution_code} 对清单 {setl_id}（{one.month}）的申诉，{one.filed_on}{until}")
    for text in one.evidence:
        screen.say(f"  证据：{text}")
    screen.say(
        f"接着：经办复核 tongpin lists appeal review {setl_id} --on 日期 --opinion 成立|不成立 --reason 理由 --by 姓名"
    )


def review_appeal(
    home_path: Path | None,
    area: str | None,
    setl_id: str,
    on: datetime,
    opinion: str,
    reason: str,
    by: str,
    institution: str | None,
) -> None:
    """Review an appeal."""
    from tongpin.payment.lists.feedback import review_appeal as record

    home = _opened(home_path)
    one = record(home, _closed_area(home, area), institution, setl_id, opinion, reason, on.date(), by)
    screen.give({"ok": True, **_given(one)})
    review = one.reviews[-1]
    again = "，代替上一次的意见" if len(one.reviews) > 1 else ""
    screen.say(f"清单 {setl_id} 的申诉复核意见：{review.opinion}（{review.by}，{review.on}{again}）")
    screen.say(f"接着：另一人决定 tongpin lists appeal decide {setl_id} --on 日期 --result 成立|不成立 --by 姓名")


def decide_appeal(
    home_path: Path | None,
    area: str | None,
    setl_id: str,
    on: datetime,
    result: str,
    by: str,
    amount: str | None,
    reason: str,
    document: str,
    institution: str | None,
) -> None:
    """Decide an appeal."""
    from tongpin.base.money import parse_yuan, yuan
    from tongpin.payment.lists.feedback import decide_appeal as record

    home = _opened(home_path)
    try:
        amount_fen = None if amount is None else parse_yuan(amount)
    except (InvalidOperation, ValueError):
        raise PolicyError("lists.appeal.amount", f"金额“{amount}”不对", hint="写成元，最多两位小数") from None
    one = record(
        home,
        _closed_area(home, area),
        setl_id,
        on.date(),
        result,
        by=by,
        institution_code=institution,
        amount_fen=amount_fen,
        reason=reason,
        document=document,
    )
    screen.give({"ok": True, **_given(one)})
    money = f"，应付总额 {yuan(one.amount_fen)} 元" if one.amount_fen is not None else ""
    screen.say(f"清单 {setl_id} 的申诉{one.result}（{one.decided_by} 决定，{one.decided_on}{money}）")
    screen.say("已关账的月份不动；成立的在 tongpin clear 年度清算第 8 步改付")


def list_appeals(home_path: Path | None, area: str | None, on: datetime | None) -> None:
    """Every appeal with what came of it."""
    from tongpin.payment.lists.feedback import appeals

    home, day = _opened(home_path), _day(on)
    named = _closed_area(home, area)
    found = appeals(home, named)
    screen.give({"ok": True, "area": named, "appeals": [_given(one) for one in found]})
    if not found:
        screen.say("没有申诉")
        return
    screen.table(
        f"申诉 {len(found)} 件（{named}）",
        ["机构", "清单", "月份", "提出", "期限", "理由", "复核", "结论"],
        [
            [
                one.institution_code,
                one.setl_id,
                one.month,
                str(one.filed_on),
                str(one.window_end or "没有期限"),
                one.reason,
                "；".join(f"{review.opinion}，{review.by}，{review.on}" for review in one.reviews[-1:]),
                _outcome(one, day),
            ]
            for one in found
        ],
    )


def _given(one: Appeal) -> dict[str, Any]:
    """An appeal for machines."""
    return {**one._asdict(), "stage": one.stage, "reviews": [review._asdict() for review in one.reviews]}


def _outcome(one: Appeal, day: date) -> str:
    if one.result is None:
        return f"申诉中（{one.stage}），已 {(day - one.filed_on).days} 日"
    return f"{one.result}，{one.decided_on}{f'，{one.document}' if one.document else ''}"


def _closed_area(home: Home, area: str | None) -> str:
    """The area whose closed months are meant; refused when none is closed."""
    from tongpin.payment.month.closed import area_of

    found = area_of(home, area)
    if found is None:
        raise PolicyError("lists.area", "还没有关账的月份", where=str(home.root), hint="先运行 tongpin settle")
    return found


def bridge(home_path: Path | None, area: str | None, month: str, institution: str | None) -> None:
    """When the lists discharged in a month were settled, sent, grouped and paid: screen, page and workbook."""
    from tongpin.payment.lists.board import names_of
    from tongpin.payment.lists.bridge_papers import bridge_of_month, write_bridge_html, write_bridge_xlsx
    from tongpin.payment.lists.dates import STAGES, paths_in_home
    from tongpin.payment.lists.editions import Editions, area_in
    from tongpin.payment.month.statement_columns import synthetic_notice
    from tongpin.report.words import wan_text

    home, month = _opened(home_path), _month(month)
    named = area_in(home, area, month)
    whose = named if institution is None else institution
    policy = Editions(home, named).of(month)
    label = names_of(home).get(whose) or (policy.edition.area if policy is not None and whose == named else whose)
    found = bridge_of_month(paths_in_home(home, named, institution), month, label, synthetic_notice(home))
    home.reports.mkdir(parents=True, exist_ok=True)
    page, book = (home.reports / f"出院到拨付-{whose}-{month}.{ending}" for ending in ("html", "xlsx"))
    write_bridge_html(found, page)
    write_bridge_xlsx(found, book)
    screen.give(
        {
            "ok": True,
            "area": named,
            "institution_code": institution,
            "month": month,
            "discharged": found.discharged,
            "stage_month": found.reached,
            "page": str(page),
            "report": str(book),
        }
    )
    for title, rows, other in (
        (f"{month} 出院的清单各在哪个月走到哪一步", found.discharged, "stage_month"),
        (f"{month} 走到各步的清单是哪个月出院的", found.reached, "discharge_month"),
    ):
        screen.table(
            f"{title}，万元（{label}）",
            ["环节", "月份" if other == "stage_month" else "出院月份", "例数", "总费用", "统筹应付"],
            [
                [
                    STAGES[row["stage"]],
                    row[other] or ("还没有" if other == "stage_month" else "未知"),
                    f"{row['count']:,}",
                    wan_text(row["total_fee_fen"]),
                    wan_text(row["pool_payable_fen"]),
                ]
                for row in rows
            ],
        )
    for line in found.notices:
        screen.say(f"· {line}")
    screen.say("拨付按到账日期；只知所属月结的按该月计。一例的八个日期：tongpin show 结算号")
    screen.say(f"桥图：{page}", f"page: {page}")
    screen.say(f"桥图数据：{book}", f"workbook: {book}")
