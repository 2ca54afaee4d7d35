"""The panel 评审: experts, a blind seeded assignment with recusals, votes, the result and its minutes (S903-02)."""

from __future__ import annotations

import csv
from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple

from tongpin.base.digest import text_digest
from tongpin.base.errors import PolicyError
from tongpin.base.money import SCALE, round_half_up, yuan
from tongpin.payment.policy.library import open_policy
from tongpin.payment.policy.vocabulary import KNOWN
from tongpin.payment.review.account import (
    AGREE,
    ASSIGNED,
    DECIDED,
    EXPERT,
    PARTIAL,
    RECUSED,
    REFUSE,
    VERDICTS,
    VOTED,
    Application,
    Event,
    add_events,
    application_of,
    applications,
    check_day,
    next_number,
    read_events,
)
from tongpin.payment.review.apply import check_pending
from tongpin.payment.review.pay import DECIDED as BY_AMOUNT
from tongpin.payment.review.pay import REFUSED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date
    from pathlib import Path

    from tongpin.payment.policy.policy import Policy
    from tongpin.store.home import Home

EXPERT_COLUMNS = ("expert_code", "specialty", "institution_code", "conflicts")
FURTHER = "further"


class Expert(NamedTuple):
    """An expert by code: specialty (RC023 code of a department), own institution, institutions in conflict."""

    code: str
    specialty: str
    institution_code: str
    conflicts: tuple[str, ...]


class Draw(NamedTuple):
    """The panel drawn for an application, and who was left out, with the reason."""

    experts: tuple[str, ...]
    recused: dict[str, str]


class Outcome(NamedTuple):
    """How votes come out: agree, partial or refuse, the amount in fen, the rule in words; `further` asks one more."""

    outcome: str
    amount_fen: int | None
    rule: str


def add_experts(home: Home, path: Path, on: date, actor: str = "") -> list[Expert]:
    """Keep the experts of a CSV (`expert_code,specialty,institution_code,conflicts`); a known code is replaced.

    PolicyError `review.experts` names the line that cannot be read. Codes only: names have no column.
    """
    found = read_experts_file(path)
    with home.locked():
        events = read_events(home)
        first = next_number(events)
        add_events(
            home,
            [
                Event(first + place, "", EXPERT, one.code, "agency", actor, on, one._asdict())
                for place, one in enumerate(found)
            ],
        )
    return found


def read_experts_file(path: Path) -> list[Expert]:
    """The experts of a CSV file (UTF-8); `conflicts` are institution codes separated by `|`."""

    def refuse(line: int, what: str) -> PolicyError:
        hint = f"UTF-8 的 CSV，表头为 {','.join(EXPERT_COLUMNS)}；专家只写代码，利害关系机构用 | 隔开"
        return PolicyError("review.experts", what, where=f"{path} 第 {line} 行", hint=hint)

    try:
        rows = csv.DictReader(path.read_text(encoding="utf-8-sig").splitlines())
    except (OSError, UnicodeDecodeError):
        raise refuse(0, "专家表读不出：文件不存在或不是 UTF-8 编码") from None
    if tuple(rows.fieldnames or ()) != EXPERT_COLUMNS:
        raise refuse(1, "表头不对")
    made: dict[str, Expert] = {}
    for line, row in enumerate(rows, start=2):
        if None in row or any(value is None for value in row.values()):
            raise refuse(line, "列数不对")
        cells = {name: value.strip() for name, value in row.items()}
        if not cells["expert_code"] or not cells["institution_code"]:
            raise refuse(line, "专家代码或所在机构为空")
        if cells["expert_code"] in made:
            raise refuse(line, f"专家 {cells['expert_code']} 重复")
        conflicts = tuple(code.strip() for code in cells["conflicts"].split("|") if code.strip())
        made[cells["expert_code"]] = Expert(
            cells["expert_code"], cells["specialty"], cells["institution_code"], conflicts
        )
    if not made:
        raise refuse(1, "没有一名专家")
    return list(made.values())


def experts_of(events: Sequence[Event]) -> dict[str, Expert]:
    """The experts of a home by code, as last told."""
    return {
        one.subject: Expert(**{**one.body, "conflicts": tuple(one.body["conflicts"])})
        for one in events
        if one.event == EXPERT
    }


def draw_panel(
    application: str,
    institution_code: str,
    dept: str,
    experts: Mapping[str, Expert],
    loads: Mapping[str, int],
    size: int,
    specialists: int,
    seed: str,
    declared: Mapping[str, str] | None = None,
) -> Draw:
    """The panel of an application, the same for the same inputs: least loaded first, ties by a seeded order.

    Left out are experts of the institution itself, those in conflict with it and those `declared` (code → reason).
    PolicyError `review.panel` when the experts, or those of the department, do not suffice.
    """
    recused: dict[str, str] = dict(declared or {})
    for one in experts.values():
        if one.institution_code == institution_code:
            recused[one.code] = "本机构"
        elif institution_code in one.conflicts:
            recused[one.code] = "申明的利害关系"
    able = sorted(
        (one for one in experts.values() if one.code not in recused),
        key=lambda one: (loads.get(one.code, 0), text_digest([seed, application, one.code])),
    )
    first = [one for one in able if dept and one.specialty == dept][:specialists]
    rest = [one for one in able if one not in first]
    chosen = [*first, *rest][:size]
    if len(first) < min(specialists, size) or len(chosen) < size:
        raise PolicyError(
            "review.panel",
            f"申报 {application} 需 {size} 名专家（其中同科别 {specialists} 名），可派 {len(able)} 名"
            f"（同科别 {len(first)} 名，回避 {len(recused)} 名）",
            where="review.panel_size",
            hint=f"在专家表中补科别 {dept or '（清单没有科别）'} 的专家，再用 tongpin review experts 载入",
        )
    return Draw(tuple(one.code for one in chosen), {code: recused[code] for code in sorted(recused)})


def assign(
    home: Home, area: str, on: date, *, only: str | None = None, seed: str = "", actor: str = ""
) -> list[Application]:
    """Assign a panel to every application without one (or to one only); all or none.

    An application whose vote came out even under the rule `further` gets one expert more. Refuses with PolicyError
    `review.panel`, `review.unknown`, `review.closed`, `review.day`, `policy.gap`.
    """
    with home.locked():
        events = read_events(home)
        known = applications(events)
        experts = experts_of(events)
        if only is not None:
            check_pending(application_of(known, only))
        waiting = [one for one in known.values() if one.area == area and one.is_open and only in {None, one.id}]
        loads = _loads(known)
        made: list[Event] = []
        for one in sorted(waiting, key=lambda one: one.id):
            policy = policy_of(home, one)
            event = _assignment(one, policy, experts, loads, seed)
            if event is None:
                continue
            check_day(events, area, on, one)
            made.append(Event(next_number(events) + len(made), area, ASSIGNED, one.id, "agency", actor, on, event))
            for code in event["experts"]:
                loads[code] = loads.get(code, 0) + 1
        if made:
            add_events(home, made)
        after = applications(read_events(home, area))
        return [after[event.subject] for event in made]


def _assignment(
    one: Application, policy: Policy, experts: Mapping[str, Expert], loads: Mapping[str, int], seed: str
) -> dict[str, Any] | None:
    """What an assignment says, or nothing when the application has its panel."""
    on = one.filed
    body = one.body
    left_out = {event.body["expert"]: event.body["reason"] for event in one.recusals}
    if not one.assigned:
        size, specialists = policy.value("review.panel_size", on), policy.value("review.panel_specialists", on)
    elif one.state == "待结论" and outcome_of(one, policy).outcome == FURTHER:
        size, specialists = 1, 0
        left_out |= dict.fromkeys(one.panel, "已在评审组")
    else:
        return None
    draw = draw_panel(
        one.id,
        body["institution_code"],
        body["figures"]["dept"] or "",
        experts,
        loads,
        size,
        specialists,
        seed,
        left_out,
    )
    return {"experts": draw.experts, "recused": draw.recused, "seed": seed, "specialists": specialists}


def _loads(known: Mapping[str, Application]) -> dict[str, int]:
    """How many applications each expert was given so far; withdrawn ones count, a recusal does not."""
    found: dict[str, int] = {}
    for one in known.values():
        for code in one.panel:
            found[code] = found.get(code, 0) + 1
    return found


def recuse(home: Home, name: str, expert: str, reason: str, on: date, actor: str = "") -> Application:
    """Replace an expert who declares a conflict, before the vote; the next one is drawn by the same rule.

    Refuses with PolicyError `review.unknown`, `review.closed`, `review.seat` (not of the panel, or voted), `.reason`.
    """
    with home.locked():
        events = read_events(home)
        known = applications(events)
        one = application_of(known, name)
        check_pending(one)
        check_day(events, one.area, on, one)
        _check_seat(one, expert)
        if not reason.strip():
            raise PolicyError("review.reason", "回避须写明原因", hint="用 --reason 写明")
        policy = policy_of(home, one)
        experts = experts_of(events)
        needed = policy.value("review.panel_specialists", one.filed)
        dept = one.body["figures"]["dept"] or ""
        others = sum(experts[code].specialty == dept for code in one.panel if code != expert and code in experts)
        out = {event.body["expert"]: event.body["reason"] for event in one.recusals}
        out |= dict.fromkeys(one.panel, "已在评审组")
        out[expert] = reason.strip()
        seed = one.assigned.body["seed"] if one.assigned else ""
        draw = draw_panel(
            name, one.body["institution_code"], dept, experts, _loads(known), 1, int(others < needed), seed, out
        )
        body = {"expert": expert, "reason": reason.strip(), "replaced_by": draw.experts[0]}
        add_events(home, [Event(next_number(events), one.area, RECUSED, name, "expert", actor or expert, on, body)])
        return applications(read_events(home, one.area))[name]


def vote(
    home: Home, name: str, expert: str, verdict: str, opinion: str, on: date, *, amount_fen: int | None = None
) -> Application:
    """Keep the vote of an expert of the panel, once; a partial agreement names the gross of the case.

    Refuses with PolicyError `review.unknown`, `review.closed`, `review.seat`, `review.verdict`, `review.opinion`,
    `review.amount` (missing, or not between what is paid now and full approval), `review.day`.
    """
    with home.locked():
        events = read_events(home)
        one = application_of(applications(events), name)
        check_pending(one)
        check_day(events, one.area, on, one)
        _check_seat(one, expert)
        if verdict not in VERDICTS:
            known = "、".join(f"{code}（{label}）" for code, label in VERDICTS.items())
            raise PolicyError("review.verdict", f"意见“{verdict}”不对", hint=f"可写：{known}")
        if not opinion.strip():
            raise PolicyError("review.opinion", "没有写评审意见", hint="用 --opinion 写明理由")
        low, high = one.body["figures"]["gross_fen"], one.body["pay"]["amount_fen"]
        if (amount_fen is not None) != (verdict == PARTIAL) or (amount_fen is not None and not low < amount_fen < high):
            raise PolicyError(
                "review.amount",
                "部分同意才写金额，金额是该例应付总额",
                where=name,
                hint=f"写大于现在应付 {yuan(low)} 元、小于全部同意 {yuan(high)} 元的数；同意与不同意不写金额",
            )
        body = {"expert": expert, "verdict": verdict, "opinion": opinion.strip(), "amount_fen": amount_fen}
        add_events(home, [Event(next_number(events), one.area, VOTED, name, "expert", expert, on, body)])
        return applications(read_events(home, one.area))[name]


def _check_seat(one: Application, expert: str) -> None:
    if expert not in one.panel:
        raise PolicyError(
            "review.seat",
            f"专家 {expert} 不在申报 {one.id} 的评审组",
            hint="先用 tongpin review assign 派专家；用 tongpin review show 看评审组",
        )
    if expert in one.votes:
        raise PolicyError("review.seat", f"专家 {expert} 对 {one.id} 已经投过票", hint="一名专家只投一次，不改票")


def policy_of(home: Home, one: Application) -> Policy:
    """The edition that clears the year of an application."""
    return open_policy(home, one.area, f"{one.body['year']}-12")


def outcome_of(one: Application, policy: Policy) -> Outcome:
    """How the votes of a full panel come out by the rules of the day of filing."""
    on = one.filed
    votes = [event.body for event in one.votes.values()]
    favour = [body for body in votes if body["verdict"] != REFUSE]
    count = f"{len(votes)} 票中赞成 {len(favour)} 票"
    if policy.value("review.pass_rule", on) == "share":
        share_e4 = policy.scaled("review.pass_share", on)
        passed = len(favour) * SCALE >= share_e4 * len(votes)
        rule = f"{count}，须达到 {share_e4 / 100:.2f}%"
    elif 2 * len(favour) == len(votes):
        tie = policy.value("review.tie", on)
        rule = f"{count}，票数相等：按付费办法{KNOWN['review.tie'].options[tie]}"
        if tie == FURTHER:
            return Outcome(FURTHER, None, rule)
        passed = tie == "approve"
    else:
        passed = 2 * len(favour) > len(votes)
        rule = f"{count}，须多于反对"
    if not passed:
        return Outcome(REFUSE, None, rule)
    full = one.body["pay"]["amount_fen"]
    amounts = sorted(full if body["amount_fen"] is None else body["amount_fen"] for body in favour)
    if amounts[0] == full:
        return Outcome(AGREE, full, rule)
    how = policy.value("review.partial", on)
    amount = _combined(amounts, how)
    words = {"lowest": "最低", "median": "中位数", "mean": "平均"}[how]
    rule += f"；赞成者认定的金额取{words}"
    return Outcome(AGREE if amount == full else PARTIAL, amount, rule)


def _combined(amounts: Sequence[int], how: str) -> int:
    """One amount of several (fen, ascending): the lowest, the median or the mean, to the fen, halves up."""
    if how == "lowest":
        return amounts[0]
    if how == "mean":
        return round_half_up(sum(amounts), len(amounts))
    return round_half_up(int(2 * median(amounts)), 2)


def decide(home: Home, name: str, minutes: str, on: date, *, document: str = "", actor: str = "") -> Application:
    """Close the review of an application whose panel voted; the result is final and enters the clearing.

    Refuses with PolicyError `review.unknown`, `review.closed`, `review.votes` (votes are missing, or even and one more
    expert is asked for), `review.minutes`, `review.day`.
    """
    with home.locked():
        events = read_events(home)
        one = application_of(applications(events), name)
        check_pending(one)
        check_day(events, one.area, on, one)
        missing = [code for code in one.panel if code not in one.votes]
        if missing or not one.panel:
            raise PolicyError(
                "review.votes",
                f"申报 {name} 还没有投票的专家：{'、'.join(missing)}" if missing else f"申报 {name} 还没有派专家",
                hint="等投票齐；不能投的由 tongpin review recuse 换人" if missing else "先运行 tongpin review assign",
            )
        if not minutes.strip():
            raise PolicyError("review.minutes", "没有写评审纪要", hint="用 --minutes 写明讨论经过与结论")
        found = outcome_of(one, policy_of(home, one))
        if found.outcome == FURTHER:
            raise PolicyError(
                "review.votes", f"申报 {name}：{found.rule}", hint=f"运行 tongpin review assign {name}，再投票"
            )
        full = one.body["pay"]
        result = {AGREE: full["result"], PARTIAL: BY_AMOUNT, REFUSE: REFUSED}[found.outcome]
        body = {
            **found._asdict(),
            "result": result,
            "minutes": minutes.strip(),
            "document": document.strip() or f"特例单议评审 {name}",
        }
        add_events(home, [Event(next_number(events), one.area, DECIDED, name, "agency", actor, on, body)])
        return applications(read_events(home, one.area))[name]
