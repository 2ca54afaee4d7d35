"""`tongpin weights` and `tongpin round`: weights from history, version days, negotiation rounds."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tongpin.base.errors import TongpinError
from tongpin.cli.output import screen

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    import pyarrow as pa

    from tongpin.payment.policy.policy import Policy
    from tongpin.payment.weights.rules import WeightRules
    from tongpin.store.home import Home

_MONTHS = re.compile(r"(\d{4}-(?:0[1-9]|1[0-2]))\.\.(\d{4}-(?:0[1-9]|1[0-2]))")
_SHOWN = 12
"""How many rows a screen shows of a table; the workbook holds all."""
_MOVES = 200
LIMIT = "weight.change_limit"


def months_of(text: str) -> tuple[str, str]:
    """The first and last month of `2023-01..2025-12`; TongpinError `weights.range` for anything else."""
    found = _MONTHS.fullmatch(text.strip())
    if not found or found[1] > found[2]:
        raise TongpinError("weights.range", f"月份“{text}”不对", hint="写成 2023-01..2025-12，前一个不晚于后一个")
    return found[1], found[2]


def day_of(given: datetime | None) -> date:
    """The day of an act: the given one, else today."""
    return (given or datetime.now().astimezone()).date()


def last_day(month: str) -> date:
    """The last day of a month `YYYY-MM`."""
    year, number = map(int, month.split("-"))
    return date(year + number // 12, number % 12 + 1, 1) - timedelta(days=1)


def notices(home: Home, *policies: Policy) -> list[str]:
    """What every paper says first: synthetic data, and how much of the editions no document confirms."""
    from tongpin.payment.month.statement_columns import synthetic_notice

    assumed = sorted({key for policy in policies for key in policy.assumed_keys()})
    return [*synthetic_notice(home), *[f"模拟：付费办法有 {len(assumed)} 项取值没有文件确认"] * bool(assumed)]


def build(home_path: Path | None, months: str, scheme_id: str | None, area: str | None, output: Path) -> None:
    """Make weights and history coefficients of the loaded lists of some months."""
    from pyarrow import csv

    from tongpin.grouping.compiled.stage import group
    from tongpin.grouping.library import open_scheme
    from tongpin.payment.policy.library import open_policy
    from tongpin.payment.weights.book import build_weights, weights_csv
    from tongpin.payment.weights.book_xlsx import write_weight_book
    from tongpin.payment.weights.history import cases_of_months
    from tongpin.payment.weights.rules import WeightRules
    from tongpin.report.words import percent_text
    from tongpin.store.home import Home

    first, last = months_of(months)
    home = Home.open(home_path)
    policy = open_policy(home, area, last)
    on = last_day(last)
    rules = WeightRules.of(policy, on)
    scheme = open_scheme(home, scheme_id or policy.scheme_id)
    cases = cases_of_months(home, first, last, policy, with_fee_items=rules.method == "five_class")
    book = build_weights(group(cases, scheme), rules, scheme, policy.weights)
    coefficients = _coefficients(home, book.trimmed.kept, policy, on)
    output.mkdir(parents=True, exist_ok=True)
    (output / "weights.csv").write_text(weights_csv(book), encoding="utf-8")
    csv.write_csv(book.trimmed.cut, output / "cut.csv")
    basis = [
        *notices(home, policy),
        f"病例：{first} 到 {last}，{cases.num_rows:,} 例；方案 {scheme.scheme_id}；口径取自 {policy.id}（{on} 的值）",
        _rules_text(rules),
    ]
    report = output / "权重测算.xlsx"
    title = f"权重测算 {first} 至 {last}"
    write_weight_book(book, report, title=title, basis=basis, coefficients=coefficients, names=_names(cases))
    counts = book.trimmed.counts()
    open_groups = book.made.open_groups()
    screen.give(
        {
            "ok": True,
            "cases": cases.num_rows,
            "cut": counts,
            "groups": len(book.weights()),
            "open_groups": open_groups,
            "residue_e4": book.made.residue_e4,
            "riv": {"all": book.spread_all.riv, "kept": book.spread_kept.riv},
            "files": [str(output / name) for name in ("weights.csv", "cut.csv", report.name)],
        }
    )
    for line in basis:
        screen.say(line)
    _show_changes(book.changes, book.names, open_groups)
    before, after = book.total_weights()
    if before != after:
        change = percent_text((after - before) / before if before else None)
        screen.say(
            f"总权重比现行权重表变化 {change}：换用这张权重表时，rate.forecast_weight 要一起重算，否则层级总额不闭合"
        )
    screen.say(
        f"剔除 {sum(counts.values()):,} 例；{len(book.weights()):,} 个病组有权重"
        + (f"，{len(open_groups)} 个没有（见测算表）" if open_groups else "")
    )
    screen.say(f"权重表、剔除明细、测算表：{output}", f"weights, cut cases, report: {output}")


def _rules_text(rules: WeightRules) -> str:
    """The rules in force in one line."""
    trim = rules.trim
    method = {"mean_fee": "组均费用", "five_class": "五类费用"}[rules.method]
    shapes = {
        "none": "组内不剔除离群",
        "iqr": f"四分位距 {trim.multiple} 倍",
        "deviation": f"标准差 {trim.multiple} 倍",
    }
    total = {"mean_one": "平均权重为 1", "keep": "总权重与现行权重表相同"}[rules.total]
    order = {"pool": "违反者按例数取平均", "merge": "违反者合为一组", "none": "不校正次序"}[rules.order]
    scale = "（按对数）" if trim.method != "none" and trim.scale == "logarithm" else ""
    return (
        f"口径：{method}；剔除住院超过 {trim.stay_days_above} 天、费用低于 {trim.fee_below_fen / 100:g} 元、"
        f"{shapes[trim.method]}{scale}；少于 {rules.few_cases} 例的向同类靠拢；{order}；{total}"
    )


def _coefficients(home: Home, kept: pa.Table, policy: Policy, on: date) -> dict[str, pa.Table]:
    """History coefficients of levels, institutions and departments of the kept cases, each drawn to the one above."""
    import pyarrow as pa
    import pyarrow.compute as pc

    from tongpin.payment.weights.coefficients import history_coefficients
    from tongpin.payment.weights.history import levels_on
    from tongpin.records.intake.load import INSTITUTIONS, read_loaded

    levels = levels_on(read_loaded(home, INSTITUTIONS), on)
    if not levels:
        return {}
    level = pa.array([levels.get(code, "没有登记") for code in kept["institution_code"].to_pylist()])
    dept = pc.binary_join_element_wise(kept["institution_code"], pc.fill_null(kept["dept"], "—"), " ")
    cases = kept.append_column("level", level).append_column("department", dept)
    found: dict[str, pa.Table] = {}
    above: tuple[str, Mapping[str, int]] | None = None
    for kind, column in (("level", "level"), ("institution", "institution_code"), ("dept", "department")):
        few = policy.value("coefficient.history.few_cases", on, unit_kind=kind)
        found[kind] = history_coefficients(cases, column, few_cases=few, above=above)
        rows = found[kind].select(["unit", "coefficient_e4"]).to_pylist()
        above = (column, {row["unit"]: row["coefficient_e4"] for row in rows})
    return found


def _names(cases: pa.Table) -> dict[str, str]:
    """Institution names by code."""
    named = cases.group_by("institution_code").aggregate([("institution_name", "max")]).to_pylist()
    return {row["institution_code"]: row["institution_name_max"] or row["institution_code"] for row in named}


def _show_changes(changes: pa.Table, names: Mapping[str, str], without: Collection[str]) -> None:
    """The groups whose weight changed much, but for those that no case gave a weight to."""
    from tongpin.payment.weights.stability import weight_text
    from tongpin.report.words import percent_text

    rows = [row for row in changes.to_pylist() if row["flag"] and row["drg"] not in without]
    screen.table(
        f"与现行权重相差较大的病组（共 {len(rows)} 个，列出前 {min(_SHOWN, len(rows))} 个）",
        ["病组", "名称", "现行", "测算", "变化", "提示"],
        [
            [
                row["drg"],
                names.get(row["drg"], ""),
                "" if row["old_e4"] is None else weight_text(row["old_e4"]),
                "" if row["new_e4"] is None else weight_text(row["new_e4"]),
                "" if row["change"] is None else percent_text(row["change"]),
                row["flag"],
            ]
            for row in rows[:_SHOWN]
        ],
    )


def _two_groupings(home: Home, months: str, old: Policy, new: Policy) -> tuple[pa.Table, pa.Table, dict[str, str]]:
    """The cases of some months grouped by the scheme of each edition, and the names of groups."""
    from tongpin.grouping.compiled.stage import group
    from tongpin.grouping.library import open_scheme
    from tongpin.payment.weights.history import cases_of_months

    first, last = months_of(months)
    cases = cases_of_months(home, first, last, old)
    before = open_scheme(home, old.scheme_id)
    grouped = group(cases, before)
    if new.scheme_id == old.scheme_id:
        return grouped, grouped, dict(before.drg_names)
    after = open_scheme(home, new.scheme_id)
    return grouped, group(cases, after), {**before.drg_names, **after.drg_names}


def neutral(home_path: Path | None, name: str, months: str, day: date) -> None:
    """The neutral coefficient of every fund and level over the lists of some months."""
    from tongpin.grouping.compiled.stage import group
    from tongpin.grouping.library import open_scheme
    from tongpin.payment.weights.history import cases_of_months
    from tongpin.payment.weights.neutral import neutral_coefficients
    from tongpin.payment.weights.repricing import pinned
    from tongpin.payment.weights.rounds import round_or_edition
    from tongpin.payment.weights.stability import weight_text
    from tongpin.records.intake.load import INSTITUTIONS, read_loaded
    from tongpin.report.words import count_text, percent_text, wan_text
    from tongpin.store.home import Home

    home = Home.open(home_path)
    policy = round_or_edition(home, name)
    first, last = months_of(months)
    grouped = group(cases_of_months(home, first, last, policy), open_scheme(home, policy.scheme_id))
    found = neutral_coefficients(grouped, pinned(policy, day), read_loaded(home, INSTITUTIONS))
    screen.give({"ok": True, "policy": policy.id, "coefficients": [one._asdict() for one in found]})
    for line in notices(home, policy):
        screen.say(line)
    screen.table(
        f"预算中性系数：{policy.id}（{day} 的值），病例 {first} 至 {last}",
        ["基金", "结算级别", "例数", "不乘系数（万元）", "乘系数（万元）", "总额变化", "现写", "应写"],
        [
            [
                *(one.fund, one.hospital_level, count_text(one.case_count)),
                *(wan_text(one.plain_fen), wan_text(one.raised_fen)),
                percent_text((one.raised_fen - one.plain_fen) / one.plain_fen if one.plain_fen else None),
                *(weight_text(one.stated_e4), weight_text(one.rescale_e4)),
            ]
            for one in found
        ],
    )
    screen.say("把“应写”写进 coefficient.rescale（按基金、结算级别），并把 rescale 列入 coefficient.order，总额即不变")


def version_day(home_path: Path | None, old_name: str, new_name: str, months: str, day: date, output: Path) -> None:
    """Old and new edition over the same cases, per hospital and per move, split by step."""
    from tongpin.payment.weights.impact_xlsx import write_version_day
    from tongpin.payment.weights.repricing import pinned, steps
    from tongpin.payment.weights.rounds import round_or_edition
    from tongpin.payment.weights.version_day import MONEY, PART_COLUMNS
    from tongpin.payment.weights.version_day import version_day as compare
    from tongpin.records.intake.load import INSTITUTIONS, read_loaded
    from tongpin.report.words import wan_text
    from tongpin.store.home import Home

    home = Home.open(home_path)
    old, new = round_or_edition(home, old_name), round_or_edition(home, new_name)
    before, after, _ = _two_groupings(home, months, old, new)
    eve = day - timedelta(days=1)
    found = compare(before, after, pinned(old, eve), pinned(new, day), read_loaded(home, INSTITUTIONS))
    basis = [
        *notices(home, old, new),
        (
            f"旧版 {old.id}（{eve} 的值，方案 {old.scheme_id}），新版 {new.id}（{day} 的值，方案 {new.scheme_id}）；"
            f"病例 {months}，{before.num_rows:,} 例"
        ),
        "差额按固定的先后逐步重算：分组、权重、费率与系数、极高极低、其余；各步之和等于差额",
    ]
    if found.unweighted_count:
        basis.append(f"{found.unweighted_count:,} 例进入旧权重表没有的病组，“分组”一步按新权重计")
    output.parent.mkdir(parents=True, exist_ok=True)
    title = f"版本切换对照 {old.id} → {new.id}"
    write_version_day(found, output, title=title, basis=basis, moves_shown=_MOVES)
    totals = {name: found.total(name) for name in ("case_count", "moved_count", *MONEY)}
    screen.give({"ok": True, "total": totals, "hospitals": found.hospitals.to_pylist(), "report": str(output)})
    for line in basis:
        screen.say(line)
    rows = sorted(found.hospitals.to_pylist(), key=lambda row: -abs(row["difference_fen"]))
    screen.table(
        f"各院影响，万元（列出差额最大的 {min(_SHOWN, len(rows))} 家）",
        ["机构", "例数", "换组", "旧版", *(step.label for step in steps()), "差额", "新版"],
        [
            [
                row["institution_name"] or row["institution_code"],
                f"{row['case_count']:,}",
                f"{row['moved_count']:,}",
                *(wan_text(row[name]) for name in ("old_fen", *PART_COLUMNS, "difference_fen", "new_fen")),
            ]
            for row in [*rows[:_SHOWN], {"institution_name": "合计", **totals}]
        ],
    )
    screen.say(f"对照表：{output}", f"report: {output}")


def history(home_path: Path | None, drg: str) -> None:
    """The weight of a group in every edition and every round."""
    from tongpin.payment.weights.group_history import group_history
    from tongpin.payment.weights.stability import weight_text
    from tongpin.store.home import Home

    held = group_history(Home.open(home_path), drg)
    screen.give({"ok": True, "drg": drg, "weights": [one._asdict() for one in held]})
    screen.table(
        f"{drg} 的权重",
        ["版本或轮次", "名称", "起", "权重", "基础病组", "草案"],
        [
            [
                one.name,
                one.label,
                f"{one.since}",
                "没有" if one.weight_e4 is None else weight_text(one.weight_e4),
                "是" if one.basic_group else "",
                "草案" if one.is_draft else "",
            ]
            for one in held
        ],
    )


def round_new(home_path: Path | None, name: str, base: str, label: str, on: datetime | None) -> None:
    """Open a round."""
    from tongpin.payment.weights.rounds import open_round
    from tongpin.store.home import Home

    folder = open_round(Home.open(home_path), name, base, label or name, day_of(on))
    screen.give({"ok": True, "round": name, "folder": str(folder)})
    screen.say(f"轮次 {name} 已开，草案在 {folder}：改其中的 policy.yaml 与权重表，结算不会用它", f"draft: {folder}")


def round_opinion(
    home_path: Path | None,
    name: str,
    who: str,
    proposal: str,
    drg: str | None,
    parameter: str | None,
    on: datetime | None,
) -> None:
    """Note an opinion."""
    from tongpin.payment.weights.rounds import give_opinion
    from tongpin.store.home import Home

    number = give_opinion(
        Home.open(home_path), name, who=who, proposal=proposal, on=day_of(on), drg=drg, parameter=parameter
    )
    screen.give({"ok": True, "round": name, "opinion_no": number})
    screen.say(f"已记为第 {number} 条意见", f"opinion {number}")


def round_decide(
    home_path: Path | None, name: str, number: int, reason: str, on: datetime | None, *, adopted: bool
) -> None:
    """Answer an opinion."""
    from tongpin.payment.weights.rounds import DECISIONS, decide_opinion
    from tongpin.store.home import Home

    row = decide_opinion(Home.open(home_path), name, number, adopted=adopted, reason=reason, on=day_of(on))
    screen.give({"ok": True, "opinion": row})
    screen.say(f"第 {number} 条意见：{DECISIONS[row['decision']]}，{reason}")


def round_close(home_path: Path | None, name: str, on: datetime | None) -> None:
    """Close a round."""
    from tongpin.payment.weights.rounds import close_round
    from tongpin.store.home import Home

    row = close_round(Home.open(home_path), name, day_of(on))
    screen.give({"ok": True, "round": row})
    screen.say(f"轮次 {name} 已结束，草案摘要 {row['draft_digest'][:16]}")


def round_list(home_path: Path | None, name: str | None) -> None:
    """The rounds of a home, or the opinions of one."""
    from tongpin.payment.weights.rounds import DECISIONS, OPEN, opinions, round_named, rounds
    from tongpin.store.home import Home

    home = Home.open(home_path)
    if name is not None:
        round_named(home, name)
        rows = opinions(home, name)
        screen.give({"ok": True, "round": name, "opinions": rows})
        screen.table(
            f"轮次 {name} 的意见",
            ["序号", "日期", "谁", "病组", "参数", "意见", "结果", "理由"],
            [
                [
                    str(row["opinion_no"]),
                    f"{row['given_on']}",
                    row["who"],
                    row["drg"] or "",
                    row["parameter"] or "",
                    row["proposal"],
                    DECISIONS[row["decision"]],
                    row["reason"] or "",
                ]
                for row in rows
            ],
        )
        return
    found = rounds(home)
    answers = {row["round"]: opinions(home, row["round"]) for row in found}
    screen.give({"ok": True, "rounds": found})
    screen.table(
        "谈判轮次",
        ["轮次", "名称", "底稿", "开始", "结束", "意见", "待答复"],
        [
            [
                row["round"],
                row["label"],
                row["base"],
                f"{row['opened_on']}",
                "" if row["closed_on"] is None else f"{row['closed_on']}",
                str(len(answers[row["round"]])),
                str(sum(one["decision"] == OPEN for one in answers[row["round"]])),
            ]
            for row in found
        ],
    )


def round_compare(home_path: Path | None, old_name: str, new_name: str, months: str, output: Path) -> None:
    """What the second edition would have paid each hospital over some months, against the first."""
    from tongpin.payment.weights.impact import compare_editions
    from tongpin.payment.weights.impact_xlsx import write_impact
    from tongpin.payment.weights.repricing import pinned
    from tongpin.payment.weights.rounds import changed_values, opinions, round_or_edition, weight_table
    from tongpin.payment.weights.stability import weight_changes
    from tongpin.records.intake.load import INSTITUTIONS, read_loaded
    from tongpin.report.words import percent_text, wan_text
    from tongpin.store.home import Home

    home = Home.open(home_path)
    old, new = round_or_edition(home, old_name), round_or_edition(home, new_name)
    before, after, names = _two_groupings(home, months, old, new)
    on = max(max(policy.breakpoints) for policy in (old, new))
    impact = compare_editions(before, after, pinned(old, on), pinned(new, on), read_loaded(home, INSTITUTIONS))
    limit = new.value(LIMIT, on) if LIMIT in new.edition.parameters else None
    weights = weight_changes(weight_table(old), weight_table(new), limit)
    values = changed_values(old, new)
    given: list[dict[str, Any]] = [] if "/" in new_name else opinions(home, new_name)
    basis = [
        *notices(home, old, new),
        f"病例：{months}，{before.num_rows:,} 例，两版都按 {on} 的取值计算；只比较病例应付，不含年度清算",
        f"现行：{old.edition.label}（{old.id}）；草案：{new.edition.label}（{new.id}）",
    ]
    output.parent.mkdir(parents=True, exist_ok=True)
    title = f"影响测算 {old.id} → {new.id}"
    write_impact(impact, output, title=title, basis=basis, names=names, values=values, weights=weights, opinions=given)
    rows = impact.hospitals.to_pylist()
    screen.give({"ok": True, "hospitals": rows, "changed_values": values, "report": str(output)})
    for line in basis:
        screen.say(line)
    screen.table(
        f"各院影响，万元（列出差额最大的 {min(_SHOWN, len(rows))} 家）",
        ["机构", "例数", "现行", "草案", "差额", "现行结付率", "草案结付率", "主要病组"],
        [
            [
                row["institution_name"] or row["institution_code"],
                f"{row['case_count']:,}",
                wan_text(row["old_fen"]),
                wan_text(row["new_fen"]),
                wan_text(row["difference_fen"]),
                percent_text(row["old_ratio"]),
                percent_text(row["new_ratio"]),
                "、".join(one["drg"] for one in row["explained_by"]),
            ]
            for row in rows[:_SHOWN]
        ],
    )
    whole = [impact.total(column) for column in ("old_fen", "new_fen", "difference_fen")]
    screen.say(f"合计：现行 {wan_text(whole[0])}，草案 {wan_text(whole[1])}，相差 {wan_text(whole[2])} 万元")
    screen.say(f"测算表：{output}", f"report: {output}")


def round_publish(home_path: Path | None, name: str, edition: str) -> None:
    """Publish the draft of a closed round as an edition."""
    from tongpin.payment.weights.rounds import publish_round
    from tongpin.store.home import Home

    folder = publish_round(Home.open(home_path), name, edition)
    screen.give({"ok": True, "folder": str(folder)})
    screen.say(f"已发布：{folder}", f"published: {folder}")
