"""`tongpin policy …`: list, show, check, explain, schema, new, routes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tongpin.cli.output import screen

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    from tongpin.payment.policy.policy import Policy
    from tongpin.payment.policy.prose import Line
    from tongpin.store.home import Home

_DIGEST_SHOWN = 16


def _summary(policy: Policy) -> dict[str, Any]:
    from tongpin.payment.policy.library import span_words
    from tongpin.payment.policy.prose import whole_lines

    edition = policy.edition
    words = {line.key: line.words for line in whole_lines(policy)}
    return {
        "id": policy.id,
        "label": edition.label,
        "area": edition.area,
        "span": span_words(policy),
        "scheme": words["scheme"],
        "weights": words.get("weights", policy.weights_label),
        "edition_by": words["edition_by"],
        "period_by": words["period_by"],
        "year_by": words["year_by"],
        "parameters": len(edition.parameters),
        "assumed": len(policy.assumed_keys()),
        "digest": policy.digest,
        "file": policy.file,
    }


_LABELS = {
    "id": "版本",
    "label": "名称",
    "area": "统筹区",
    "span": "有效期",
    "scheme": "方案",
    "weights": "权重表",
    "edition_by": "选版本按",
    "period_by": "归月按",
    "year_by": "归清算年度按",
    "parameters": "参数",
    "assumed": "没有文件确认",
    "digest": "摘要",
    "file": "文件",
}


def list_(home_path: Path | None) -> bool:
    """List the editions of the home and the shipped ones; true when one of them cannot be read."""
    from tongpin.base.errors import PolicyError
    from tongpin.payment.policy.library import policy_folders, policy_named
    from tongpin.store.home import Home

    home = Home.open(home_path)
    found: list[dict[str, Any]] = []
    broken: list[PolicyError] = []
    for name in policy_folders(home):
        try:
            found.append(_summary(policy_named(home, name)))
        except PolicyError as error:
            broken.append(error)
    screen.give({"ok": not broken, "policies": found, "broken": [fault.as_dict() for fault in broken]})
    columns = ("id", "label", "span", "scheme", "parameters", "assumed", "digest")
    rows = [[_cell(column, row[column]) for column in columns] for row in found]
    screen.table("付费办法", [_LABELS[column] for column in columns], rows)
    for fault in broken:
        screen.say(f"读不了：{fault}")
    return bool(broken)


def _cell(column: str, value: Any) -> str:
    return str(value)[:_DIGEST_SHOWN] if column == "digest" else str(value)


def show(home_path: Path | None, name: str) -> None:
    """Show what an edition is at a glance."""
    from tongpin.payment.policy.library import policy_named
    from tongpin.store.home import Home

    data = _summary(policy_named(Home.open(home_path), name))
    screen.give({"ok": True, "policy": data})
    screen.table(f"付费办法 {name}", ["项", "值"], [[_LABELS[key], str(value)] for key, value in data.items()])


def check(home_path: Path | None, name: str | None) -> bool:
    """Print what is found in one edition, or in all of them and between them; true when some of it hurts."""
    from tongpin.payment.policy.check import UNREADABLE, check_edition, check_library, groups_of
    from tongpin.payment.policy.library import policy_folders, policy_named
    from tongpin.store.home import Home

    home = Home.open(home_path)
    findings = [] if name else check_library(home)
    unreadable = {finding.file for finding in findings if finding.rule_id in UNREADABLE}
    for one in [name] if name else [found for found in policy_folders(home) if found not in unreadable]:
        policy = policy_named(home, one)
        findings += check_edition(policy, groups_of(home, policy.scheme_id))
    faults = sum(finding.severity != "info" for finding in findings)
    screen.give({"ok": not faults, "findings": [finding.as_dict() for finding in findings]})
    screen.findings(findings)
    screen.say(
        f"{name or '全部付费办法'}：{faults} 处要处理，{len(findings) - faults} 处提示",
        f"{name or 'all editions'}: {faults} faults, {len(findings) - faults} remarks",
    )
    return bool(faults)


def explain(home_path: Path | None, name: str, on: date | None) -> None:
    """Print an edition family by family: every value with its date and source, and what is left open."""
    from tongpin.payment.policy.library import policy_named, span_words
    from tongpin.payment.policy.prose import sections, whole_lines
    from tongpin.store.home import Home

    policy = policy_named(Home.open(home_path), name)
    whole, parts = whole_lines(policy), sections(policy, on)
    screen.give(
        {
            "ok": True,
            "policy": _summary(policy),
            "on": on,
            "whole": [line._asdict() for line in whole],
            "families": [
                {
                    **part.family._asdict(),
                    "lines": [line._asdict() for line in part.lines],
                    "open": part.open_keys,
                }
                for part in parts
            ],
        },
    )
    edition = policy.edition
    screen.say(f"{edition.label}（{policy.id}，{edition.area}；{span_words(policy)}）")
    screen.say(f"摘要 {policy.digest}" + (f"；只列 {on} 有效的取值" if on else ""))
    screen.say("\n总则")
    for line in whole:
        _say_line(line)
    for part in parts:
        if part.lines:
            screen.say(f"\n{part.family.number}. {part.family.label}（{part.family.part}）")
            for line in part.lines:
                _say_line(line)
            if part.open_keys:
                screen.say(f"  没有写：{'、'.join(part.open_keys.values())}。用到时拒绝。")
    left = [part.family for part in parts if not part.lines and not part.family.fixed]
    if left:
        screen.say("\n没有写的选择（用到时拒绝，不按任何缺省付钱）")
        for family in left:
            screen.say(f"  {family.number}. {family.label}：{family.needed_for}")
    screen.say("\n没有参数、软件固定的做法")
    for part in parts:
        if part.family.fixed:
            screen.say(f"  {part.family.number}. {part.family.label}：{part.family.fixed}")


def _say_line(line: Line) -> None:
    since = f"{line.since} 起，" if line.since else ""
    note = f"。{line.note.rstrip('。')}" if line.note else ""
    screen.say(f"  · {line.label}：{since}{line.words}　[{line.source}]{note}")


def schema(output: Path | None, *, force: bool) -> None:
    """Write the JSON Schema of `policy.yaml`, or print it."""
    from tongpin.base.errors import PolicyError, os_words
    from tongpin.payment.policy.json_schema import policy_schema, schema_text

    text = schema_text()
    if output is None:
        screen.give({"ok": True, "schema": policy_schema()})
        screen.say(text.rstrip())
        return
    if output.exists() and not force:
        raise PolicyError("policy.output", f"{output} 已经有了", hint="换一个文件名；确要覆盖时加 --force")
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise PolicyError(
            "policy.output", f"写不了 {output}：{os_words(error)}", hint="换一个文件夹或文件名"
        ) from error
    screen.give({"ok": True, "file": str(output)})
    screen.say(f"已写出 {output}：在编辑器里为 policy.yaml 指定它，写错的键与取值当场标出", f"wrote {output}")


def new(home_path: Path | None, name: str, source: str) -> None:
    """Copy an edition into the home as a draft."""
    from tongpin.payment.policy.drafts import new_edition
    from tongpin.store.home import Home

    policy = new_edition(Home.open(home_path), name, source)
    screen.give({"ok": True, "policy": _summary(policy)})
    screen.say(
        f"已从 {source} 复制成草案 {name}：{policy.file}\n"
        f"改完后运行 tongpin policy check {name}；去掉 draft 一行即成为正式版本",
        f"draft {name}: {policy.file}",
    )


def routes(home_path: Path | None) -> bool:
    """Print the routes and how many loaded lists each pays; true when some list has no edition."""
    from tongpin.payment.policy.prose import ASSUMED
    from tongpin.payment.policy.routes import LABELS, open_routes
    from tongpin.payment.policy.vocabulary import BASIS_LABELS
    from tongpin.store.home import Home

    home = Home.open(home_path)
    table = open_routes(home)
    counts, refusals = _routed_lists(home, table)
    screen.give(
        {
            "ok": not refusals,
            "routes": [one._asdict() for one in table],
            "lists": counts,
            "findings": [finding.as_dict() for finding in refusals],
        },
    )
    rows = [
        [
            *one.patterns,
            BASIS_LABELS[one.date_by],
            str(one.since),
            str(one.until or ""),
            one.edition,
            ASSUMED if one.assumed else "有文件",
            one.note,
        ]
        for one in table
    ]
    screen.table("付费办法的选用", list(LABELS.values()), rows)
    if counts:
        screen.table("已装载的清单", ["版本", "清单"], [[name, f"{count:,}"] for name, count in counts.items()])
    screen.findings(refusals)
    return bool(refusals)


def _routed_lists(home: Home, table: Any) -> tuple[dict[str, int], tuple[Any, ...]]:
    """How many loaded settlement lists each edition pays, and the refusals."""
    import pyarrow.compute as pc

    from tongpin.payment.policy.routes import route
    from tongpin.records.intake.load import CASES, read_loaded

    cases = read_loaded(home, CASES)
    lists = cases.filter(pc.equal(cases["source"], "settlement_list"))
    if not lists.num_rows:
        return {}, ()
    routed = route(lists, table)
    return {name: part.num_rows for name, part in routed.by_edition(lists).items()}, routed.findings
