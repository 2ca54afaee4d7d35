"""Feedback 结果反馈: a month's results are published, hospitals appeal in time, one person reviews, another decides.

Publications, appeals, reviews and results are append-only accounts of the home; the closed month is never touched, a
decided appeal enters the clearing of the year as a decision (S902-01, C0 step 8).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.digest import folder_digest
from tongpin.base.errors import PolicyError
from tongpin.payment.lists.clocks import APPEAL, deadlines, is_stated, limit_words
from tongpin.payment.lists.facts import paid_lists
from tongpin.payment.lists.standing import Published
from tongpin.payment.lists.workdays import open_workdays
from tongpin.payment.month.closed import closed_manifest, closed_months
from tongpin.payment.month.posting import REVERSAL
from tongpin.payment.policy.library import policy_named
from tongpin.records.intake.load import DECISIONS, read_loaded
from tongpin.records.intake.states import REVIEWED, UNDECIDED
from tongpin.store import lake

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from pathlib import Path

    from tongpin.store.home import Home

PUBLICATIONS, APPEALS_FILED = "publications", "appeals"
APPEALS_REVIEWED, APPEALS_DECIDED = "appeal_reviews", "appeal_results"
UPHELD, REJECTED_APPEAL = "成立", "不成立"
RESULTS = (UPHELD, REJECTED_APPEAL)
FILED = "受理"
"""What an appeal that nobody has decided yet is worth as a result."""
TO_REVIEW, TO_DECIDE = "待复核", "待终审"
"""Where an appeal stands that nobody has decided yet."""

PUBLICATION_SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("area", "month", "reason")),
        ("published_on", pa.date32()),
        ("number", pa.int64()),
    ]
)
"""The publication of a month's group results; a later `number` puts the day right, with its reason."""
_LIST = [(name, pa.string()) for name in ("area", "institution_code", "setl_id")]
APPEAL_SCHEMA = pa.schema(
    [*_LIST, *((name, pa.string()) for name in ("month", "reason", "evidence")), ("filed_on", pa.date32())]
)
"""An appeal that a hospital filed about a list of a published month; `evidence`: JSON texts and files with digests."""
REVIEW_SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("area", "institution_code", "setl_id", "opinion", "reason", "by")),
        ("reviewed_on", pa.date32()),
        ("number", pa.int64()),
    ]
)
"""What a reviewer proposes for an appeal, and why; of several the one with the highest `number` counts."""
RESULT_SCHEMA = pa.schema(
    [
        *_LIST,
        *((name, pa.string()) for name in ("result", "reason", "document", "by")),
        ("amount_fen", pa.int64()),
        ("decided_on", pa.date32()),
    ]
)
"""What an appeal came to, decided by whom; `amount_fen`: the gross decided, where the edition pays such an amount."""


class Review(NamedTuple):
    """A review 复核 of an appeal: what is proposed, why, when, by whom."""

    opinion: str
    reason: str
    on: date
    by: str


class Appeal(NamedTuple):
    """An appeal with its window, its reviews (the last one counts) and, once decided, its result."""

    area: str
    institution_code: str
    setl_id: str
    month: str
    filed_on: date
    reason: str
    evidence: tuple[str, ...]
    window_end: date | None
    reviews: tuple[Review, ...]
    result: str | None
    amount_fen: int | None
    decided_on: date | None
    decided_by: str | None
    decision_reason: str | None
    document: str | None

    @property
    def stage(self) -> str:
        """What the appeal waits for, or what it came to."""
        return self.result or (TO_DECIDE if self.reviews else TO_REVIEW)


def publish(home: Home, area: str, month: str, on: date, reason: str = "") -> Published:
    """Record that the results of a closed month were published on a day; the last day for appeals comes back.

    A month that stands published already takes another day only with a `reason`; both stay in the account. Raises
    StoreError `settle.open`, PolicyError `lists.publish` (before the month is over) or `lists.published`.
    """
    with home.locked():
        closed_manifest(home, month, area)
        before = publications(home, area).get(month)
        if before is not None and not reason.strip():
            raise PolicyError(
                "lists.published",
                f"{month} 已于 {before.on} 公布{_until_words(before)}",
                hint="日期登记错了用 --reason 写明原因再登记一次，原来的一行留着",
            )
        if on <= _last_day(month):
            raise PolicyError("lists.publish", f"{month} 还没有过完，不能在 {on} 公布它的结果", hint="检查 --on 的日期")
        number = _rows(home, PUBLICATIONS, PUBLICATION_SCHEMA).num_rows + 1
        row = {"area": area, "month": month, "reason": reason.strip(), "published_on": on, "number": number}
        published = _window(home, area, month, on)
        lake.append(home, PUBLICATIONS, pa.Table.from_pylist([row], schema=PUBLICATION_SCHEMA))
    return published


def publications(home: Home, area: str | None) -> dict[str, Published]:
    """The months of an area whose results were published: when, and until when hospitals may appeal."""
    rows = _rows(home, PUBLICATIONS, PUBLICATION_SCHEMA)
    rows = _of_area(rows, area).sort_by("number")
    closed = closed_months(home, area)
    return {
        row["month"]: _window(home, area, row["month"], row["published_on"])
        for row in rows.to_pylist()
        if row["month"] in closed
    }


def _window(home: Home, area: str | None, month: str, on: date) -> Published:
    """The window of a publication by the edition that closed its month; none where the edition sets no limit."""
    policy = policy_named(home, closed_manifest(home, month, area)["policy"])
    if not is_stated(policy, APPEAL):
        return Published(on, None)
    (end,) = deadlines(policy, APPEAL, np.array([on], dtype="datetime64[D]"), open_workdays(home))
    return Published(on, end.item())


def window_words(home: Home, area: str, month: str, on: date) -> str:
    """The window in words, by the edition that closed the month: `5 个工作日`."""
    policy = policy_named(home, closed_manifest(home, month, area)["policy"])
    return limit_words(policy, APPEAL, np.datetime64(on)) if is_stated(policy, APPEAL) else "没有写申诉时限"


def file_appeal(
    home: Home,
    area: str,
    setl_id: str,
    on: date,
    reason: str,
    *,
    institution_code: str | None = None,
    texts: Sequence[str] = (),
    attachments: Sequence[Path] = (),
) -> Appeal:
    """File the appeal of a hospital about a list of a published month.

    `attachments` are kept by name and digest. Raises PolicyError `lists.appeal.list` (not in a closed month),
    `.unpublished`, `.early`, `.late` (with the last day), `.twice`, `.reason`, `.file`; nothing is written then.
    """
    if not reason.strip():
        raise PolicyError("lists.appeal.reason", "申诉须写明理由", hint="用 --reason 写明")
    evidence = [*(text.strip() for text in texts), *(_attached(path) for path in attachments)]
    with home.locked():
        institution_code, month = _paid_month(home, area, setl_id, institution_code)
        published = publications(home, area).get(month)
        if published is None:
            raise PolicyError(
                "lists.appeal.unpublished",
                f"清单 {setl_id} 属于 {month}，该月的分组结果还没有公布",
                hint=f"先运行 tongpin lists publish --month {month}",
            )
        if on < published.on:
            raise PolicyError(
                "lists.appeal.early", f"{month} 于 {published.on} 公布，{on} 还不能申诉", hint="检查 --on 的日期"
            )
        if published.until is not None and on > published.until:
            raise PolicyError(
                "lists.appeal.late",
                f"清单 {setl_id} 的申诉期限是 {published.until}（{month} 于 {published.on} 公布），{on} 已过期，不受理",
                hint="期限之后为终审；确有差错的，撤销原清单后以新结算号重传",
            )
        if any((one.institution_code, one.setl_id) == (institution_code, setl_id) for one in appeals(home, area)):
            raise PolicyError("lists.appeal.twice", f"清单 {setl_id} 已经申诉过", hint="tongpin lists appeal list 查看")
        row = {
            "area": area,
            "institution_code": institution_code,
            "setl_id": setl_id,
            "month": month,
            "reason": reason.strip(),
            "evidence": json.dumps([one for one in evidence if one], ensure_ascii=False),
            "filed_on": on,
        }
        lake.append(home, APPEALS_FILED, pa.Table.from_pylist([row], schema=APPEAL_SCHEMA))
    return _appeal(home, area, institution_code, setl_id)


def review_appeal(
    home: Home,
    area: str,
    institution_code: str | None,
    setl_id: str,
    opinion: str,
    reason: str,
    on: date,
    by: str,
) -> Appeal:
    """Review a filed appeal: propose `成立` or `不成立`; a later review replaces an earlier one until the decision.

    Raises PolicyError `lists.appeal.unknown` (nothing filed), `.decided`, `.early` (before it was filed or reviewed
    last), `.opinion`, `.reason`, `.by` (no name). Source: S902-01.
    """
    if opinion not in RESULTS:
        raise PolicyError("lists.appeal.opinion", f"不知道的复核意见“{opinion}”", hint=f"可写：{'、'.join(RESULTS)}")
    if not reason.strip():
        raise PolicyError("lists.appeal.reason", "复核须写明理由", hint="用 --reason 写明")
    name = _name(by, "复核人")
    with home.locked():
        one = _undecided(home, area, institution_code, setl_id)
        last = one.reviews[-1].on if one.reviews else one.filed_on
        if on < last:
            known = "上次复核" if one.reviews else "提出"
            raise PolicyError("lists.appeal.early", f"申诉于 {last} {known}，不能在 {on} 复核", hint="检查 --on")
        row = {
            "area": area,
            "institution_code": one.institution_code,
            "setl_id": setl_id,
            "opinion": opinion,
            "reason": reason.strip(),
            "by": name,
            "reviewed_on": on,
            "number": _rows(home, APPEALS_REVIEWED, REVIEW_SCHEMA).num_rows + 1,
        }
        lake.append(home, APPEALS_REVIEWED, pa.Table.from_pylist([row], schema=REVIEW_SCHEMA))
    return _appeal(home, area, one.institution_code, setl_id)


def decide_appeal(
    home: Home,
    area: str,
    setl_id: str,
    on: date,
    result: str,
    *,
    by: str,
    institution_code: str | None = None,
    amount_fen: int | None = None,
    reason: str = "",
    document: str = "",
) -> Appeal:
    """Decide a reviewed appeal: `成立` or `不成立`; it then comes out of `decisions` as a row of kind `appeal`.

    `by`: who decides, another person than the reviewer. `amount_fen`: the gross of the case, where the edition pays
    upheld appeals at the amount decided. Raises PolicyError `lists.appeal.unknown` (nothing filed), `.decided`
    (already, here or in a loaded decision), `.result`, `.unreviewed`, `.same_hand`, `.early`, `.by` (no name),
    `.amount` (missing, negative, or of no use). Source: S902-01.
    """
    if result not in RESULTS:
        raise PolicyError("lists.appeal.result", f"不知道的结论“{result}”", hint=f"可写：{'、'.join(RESULTS)}")
    name = _name(by, "决定人")
    with home.locked():
        one = _undecided(home, area, institution_code, setl_id)
        _check_reviewed(one, on, name)
        _check_amount(home, one, on, result, amount_fen)
        row = {
            "area": area,
            "institution_code": one.institution_code,
            "setl_id": setl_id,
            "result": result,
            "reason": reason.strip(),
            "document": document.strip(),
            "by": name,
            "amount_fen": amount_fen,
            "decided_on": on,
        }
        lake.append(home, APPEALS_DECIDED, pa.Table.from_pylist([row], schema=RESULT_SCHEMA))
    return _appeal(home, area, one.institution_code, setl_id)


def _undecided(home: Home, area: str, institution_code: str | None, setl_id: str) -> Appeal:
    one = _appeal(home, area, institution_code, setl_id)
    if one.result is not None:
        raise PolicyError(
            "lists.appeal.decided", f"清单 {setl_id} 的申诉已于 {one.decided_on} 决定：{one.result}", hint="不再改"
        )
    return one


def _check_reviewed(one: Appeal, on: date, by: str) -> None:
    """An appeal is decided after its review, by somebody else."""
    if not one.reviews:
        raise PolicyError(
            "lists.appeal.unreviewed",
            f"清单 {one.setl_id} 的申诉还没有复核，不能决定",
            hint=f"先由另一人复核：tongpin lists appeal review {one.setl_id}",
        )
    review = one.reviews[-1]
    if by == review.by:
        raise PolicyError(
            "lists.appeal.same_hand", f"清单 {one.setl_id} 的申诉由 {by} 复核，不能再由 {by} 决定", hint="由另一人决定"
        )
    if on < review.on:
        raise PolicyError("lists.appeal.early", f"申诉于 {review.on} 复核，不能在 {on} 决定", hint="检查 --on")


def _name(by: str, what: str) -> str:
    if not by.strip():
        raise PolicyError("lists.appeal.by", f"没有写{what}", hint="用 --by 写明姓名")
    return by.strip()


def _check_amount(home: Home, one: Appeal, on: date, result: str, amount_fen: int | None) -> None:
    """An amount is decided exactly where the edition that closed the month pays by it."""
    policy = policy_named(home, closed_manifest(home, one.month, one.area)["policy"])
    asked = result == UPHELD and policy.value("appeal.pay", on) == "decided"
    if asked and (amount_fen is None or amount_fen < 0):
        raise PolicyError(
            "lists.appeal.amount", "申诉成立的按决定的金额付，没有写金额或金额为负", hint="写明该例应付总额（元）"
        )
    if amount_fen is not None and not asked:
        why = "申诉成立的按项目付" if result == UPHELD else "申诉不成立，照原来的结果付"
        raise PolicyError("lists.appeal.amount", f"{why}，不用写金额", hint="去掉金额")


def appeals(home: Home, area: str) -> list[Appeal]:
    """Every appeal of an area, oldest first, with its result: of the home's own book, else of a loaded decision."""
    filed = _of_area(_rows(home, APPEALS_FILED, APPEAL_SCHEMA), area).to_pylist()
    results = {_key(row): row for row in _of_area(_rows(home, APPEALS_DECIDED, RESULT_SCHEMA), area).to_pylist()}
    loaded = read_loaded(home, DECISIONS)
    loaded = loaded.filter(pc.equal(loaded["kind"], "appeal"))
    for row in loaded.filter(
        pc.invert(pc.is_in(pc.fill_null(loaded["result"], ""), pa.array(sorted(UNDECIDED))))
    ).to_pylist():
        results.setdefault(_key(row), row | {"decided_on": row["decided_date"]})
    reviews: dict[tuple[str, str], list[Review]] = {}
    for row in _reviews(home, area).to_pylist():
        one = Review(row["opinion"], row["reason"], row["reviewed_on"], row["by"])
        reviews.setdefault(_key(row), []).append(one)
    windows = publications(home, area) if filed else {}
    made = []
    for row in filed:
        found = results.get(_key(row), {})
        published = windows.get(row["month"])
        made.append(
            Appeal(
                **{name: row[name] for name in ("area", "institution_code", "setl_id", "month", "filed_on", "reason")},
                evidence=tuple(json.loads(row["evidence"])),
                window_end=published.until if published else None,
                reviews=tuple(reviews.get(_key(row), ())),
                result=found.get("result"),
                amount_fen=found.get("amount_fen"),
                decided_on=found.get("decided_on"),
                decided_by=found.get("by"),
                decision_reason=found.get("reason"),
                document=found.get("document"),
            )
        )
    return sorted(made, key=lambda one: (one.filed_on, one.institution_code, one.setl_id))


def appeal_steps(home: Home, area: str | None) -> pa.Table:
    """The appeals of the home's own book as steps that the clock counts: institution_code, case_id, on, result.

    A review is none of them: the time for the decision goes on from the day of the appeal.
    """
    filed = _of_area(_rows(home, APPEALS_FILED, APPEAL_SCHEMA), area)
    decided = own_results(home, area)
    names = ["institution_code", "case_id", "on", "result"]
    first = pa.table(
        [filed["institution_code"], filed["setl_id"], filed["filed_on"], pa.repeat(FILED, filed.num_rows)], names
    )
    second = decided.select(["institution_code", "setl_id", "decided_on", "result"]).rename_columns(names)
    return pa.concat_tables([first, second])


def review_steps(home: Home, area: str | None) -> pa.Table:
    """The reviews of appeals as further steps of lists, in the columns of `appeal_steps`; the opinion is the result."""
    found = _reviews(home, area)
    opinions = pc.binary_join_element_wise(pa.scalar(REVIEWED), found["opinion"], "")
    names = ["institution_code", "case_id", "on", "result"]
    return pa.table([found["institution_code"], found["setl_id"], found["reviewed_on"], opinions], names)


def _reviews(home: Home, area: str | None) -> pa.Table:
    """The reviews of an area, oldest first."""
    return _of_area(_rows(home, APPEALS_REVIEWED, REVIEW_SCHEMA), area).sort_by("number")


def own_results(home: Home, area: str | None) -> pa.Table:
    """The results of the home's own book (`RESULT_SCHEMA`) for an area."""
    return _of_area(_rows(home, APPEALS_DECIDED, RESULT_SCHEMA), area)


def _appeal(home: Home, area: str, institution_code: str | None, setl_id: str) -> Appeal:
    wanted = [
        one
        for one in appeals(home, area)
        if one.setl_id == setl_id and institution_code in {None, one.institution_code}
    ]
    if not wanted:
        raise PolicyError(
            "lists.appeal.unknown", f"清单 {setl_id} 没有提出过申诉", hint="tongpin lists appeal list 查看"
        )
    if len(wanted) > 1:
        raise _several(setl_id)
    return wanted[0]


def _paid_month(home: Home, area: str, setl_id: str, institution_code: str | None) -> tuple[str, str]:
    """The institution of a list and the closed month that paid it."""
    lines = paid_lists(home, area)
    lines = lines.filter(pc.and_(pc.equal(lines["case_id"], setl_id), pc.not_equal(lines["line_kind"], REVERSAL)))
    rows = [row for row in lines.to_pylist() if institution_code in {None, row["institution_code"]}]
    if not rows:
        raise PolicyError(
            "lists.appeal.list", f"清单 {setl_id} 不在统筹区 {area} 已关账的月份里，没有结果可申诉", hint="检查结算号"
        )
    if len({row["institution_code"] for row in rows}) > 1:
        raise _several(setl_id)
    return rows[0]["institution_code"], min(row["period"] for row in rows)


def _several(setl_id: str) -> PolicyError:
    return PolicyError("lists.appeal.several", f"几家机构都有清单 {setl_id}", hint="用 --institution 写明机构代码")


def _attached(path: Path) -> str:
    if not path.is_file():
        raise PolicyError("lists.appeal.file", "附件不存在", where=str(path), hint="检查路径")
    return f"附件 {path.name}（摘要 {folder_digest(path.parent, [path.name])[:16]}）"


def _until_words(published: Published) -> str:
    return f"，申诉至 {published.until}" if published.until else ""


def _last_day(month: str) -> date:
    last: date = ((np.datetime64(month, "M") + 1).astype("datetime64[D]") - 1).item()
    return last


def _key(row: dict[str, Any]) -> tuple[str, str]:
    return row["institution_code"], row["setl_id"]


def _of_area(table: pa.Table, area: str | None) -> pa.Table:
    return table.filter(pc.equal(table["area"], area or ""))


def _rows(home: Home, name: str, schema: pa.Schema) -> pa.Table:
    table = lake.read(home, name, schema.names)
    return schema.empty_table() if table is None else table.cast(schema)
