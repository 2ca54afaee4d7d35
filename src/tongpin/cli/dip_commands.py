"""`tongpin dip build | show | check | why | ledger`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tongpin.base.errors import PolicyError, StoreError
from tongpin.base.money import wan, yuan
from tongpin.cli.output import screen

if TYPE_CHECKING:
    from pathlib import Path

    from tongpin.payment.dip.catalogue import Catalogue, Group
    from tongpin.payment.policy.policy import Policy
    from tongpin.store.home import Home

SHOWN = 12
"""How many diseases a screen shows."""


def build(
    home_path: Path | None,
    months: str,
    output: Path | None,
    name: str,
    tables: tuple[Path | None, Path | None, Path | None],
    policy_id: str | None,
) -> None:
    """Build a catalogue from the lists of a home, write it (into the home unless said where), say what came out."""
    from tongpin.grouping.library import DEMO_SCHEME, open_scheme
    from tongpin.payment.dip.library import own_folder
    from tongpin.payment.dip.run import build_in_home, city_tables
    from tongpin.store.home import Home

    first, dots, last = months.partition("..")
    if not dots:
        raise PolicyError("dip.months", f"月份“{months}”不对", hint="写成 2022-01..2024-12")
    home = Home.open(home_path)
    folder = output or own_folder(home, name)
    scheme = open_scheme(home, DEMO_SCHEME)
    policy = _policy(home, policy_id)
    made = city_tables(*tables, names=(scheme.dx_names, scheme.px_names))
    found = build_in_home(home, (first, last), policy, made, name, f"{policy.edition.area}病种目录 {first} 至 {last}")
    found.catalogue.write(folder)
    screen.give(
        {
            "ok": True,
            "catalogue": _facts(found.catalogue),
            "folder": str(folder),
            "findings": [finding.as_dict() for finding in found.findings],
        }
    )
    screen.findings(found.findings)
    _describe(found.catalogue)
    screen.say(f"已写出 {folder}", f"written: {folder}")


def show(folder: Path, code: str | None) -> None:
    """Say what a catalogue is, or one of its diseases."""
    from tongpin.payment.dip.catalogue import load_catalogue

    catalogue = load_catalogue(folder)
    if code is None:
        screen.give({"ok": True, "catalogue": _facts(catalogue)})
        _describe(catalogue)
        return
    one = catalogue.by_code.get(code)
    if one is None:
        raise PolicyError("dip.unknown", f"目录里没有病种 {code}", where=str(folder), hint="用 dip show 看有哪些病种")
    levels = {level: value for (group, level), value in catalogue.level_means.items() if group == code}
    auxiliary = [row for row in catalogue.auxiliary if row.group == code]
    screen.give(
        {
            "ok": True,
            "group": one._asdict(),
            "level_means": levels,
            "auxiliary": [row._asdict() for row in auxiliary],
        }
    )
    _table(f"{one.code} {one.name}", [one])
    screen.table(
        "同级均费（最近一年）",
        ["结算级别", "例数", "次均费用（元）"],
        [[level, f"{count:,}", yuan(mean)] for level, (count, mean) in sorted(levels.items())],
    )
    if auxiliary:
        screen.table(
            "辅助目录",
            ["级别", "例数", "次均费用（元）", "系数"],
            [[row.level, f"{row.cases:,}", yuan(row.mean_fen), f"{row.coefficient_e4 / 1e4:.4f}"] for row in auxiliary],
        )


def check(folder: Path) -> bool:
    """Name what a catalogue contradicts in itself; true when there is anything."""
    from tongpin.payment.dip.catalogue import load_catalogue
    from tongpin.payment.dip.check import check_catalogue

    findings = check_catalogue(load_catalogue(folder))
    screen.give({"ok": not findings, "findings": [finding.as_dict() for finding in findings]})
    screen.findings(findings)
    if not findings:
        screen.say("没有发现问题", "nothing found")
    return bool(findings)


def why(home_path: Path | None, folder: Path, case_id: str) -> None:
    """Say how a loaded list comes to its disease, stage by stage."""
    import pyarrow.compute as pc

    from tongpin.payment.dip.catalogue import load_catalogue
    from tongpin.payment.dip.trace import trace_of
    from tongpin.records.intake.load import CASES, read_loaded
    from tongpin.store.home import Home

    home = Home.open(home_path)
    cases = read_loaded(home, CASES)
    rows = cases.filter(pc.equal(cases["case_id"], case_id)).to_pylist()
    if not rows:
        raise StoreError("dip.case", f"没有装载清单 {case_id}", where=str(home.root), hint="检查结算号")
    trace = trace_of(rows[0], load_catalogue(folder))
    screen.give({"ok": True, "case_id": case_id, "trace": trace._asdict(), "lines": trace.lines()})
    for line in trace.lines():
        screen.say(line)


def ledger(home_path: Path | None, folder: Path, month: str, institution: str | None, policy_id: str | None) -> None:
    """The disease ledger of the hospitals for a month, as a trial."""
    from tongpin.payment.dip.catalogue import load_catalogue
    from tongpin.payment.dip.ledger import disease_ledger, kind_ledger
    from tongpin.payment.dip.run import price_in_home
    from tongpin.store.home import Home

    home = Home.open(home_path)
    catalogue = load_catalogue(folder)
    policy = _policy(home, policy_id)
    priced = price_in_home(home, month, policy, catalogue)
    kinds, diseases = (
        [row for row in table.to_pylist() if institution in {None, row["institution_code"]}]
        for table in (kind_ledger(priced), disease_ledger(priced, catalogue))
    )
    if not kinds:
        raise StoreError(
            "dip.case", f"机构 {institution} 在 {month} 没有清单", where=str(home.root), hint="检查机构代码"
        )
    assumed = sorted(policy.assumed_keys())
    screen.give({"ok": True, "month": month, "kinds": kinds, "diseases": diseases, "assumed": assumed})
    screen.table(
        f"{month} 按核心与综合病种（医保 DIP，试算）",
        ["机构", "类别", "例数", "占入病种例数", "总费用（万元）", "应付（万元）", "盈亏（万元）"],
        [
            [
                row["institution_code"],
                f"{'　' * bool(row['type'])}{row['label']}",
                f"{row['cases']:,}",
                "" if row["case_share_e4"] is None else f"{row['case_share_e4'] / 100:.2f} %",
                wan(row["total_fee_fen"]),
                wan(row["gross_fen"]),
                wan(row["result_fen"]),
            ]
            for row in kinds
        ],
    )
    screen.table(
        f"亏损最多的病种（前 {SHOWN} 个）",
        ["机构", "病种", "名称", "例数", "次均费用（元）", "目录均费（元）", "盈亏（元）"],
        [
            [
                row["institution_code"],
                row["disease"],
                row["name"],
                f"{row['cases']:,}",
                yuan(row["mean_fee_fen"]),
                "" if row["benchmark_fee_fen"] is None else yuan(row["benchmark_fee_fen"]),
                yuan(row["result_fen"]),
            ]
            for row in sorted(diseases, key=lambda row: row["result_fen"])[:SHOWN]
        ],
    )
    if assumed or catalogue.assumed:
        screen.say(f"模拟：付费办法 {policy.id} 有 {len(assumed)} 项取值没有文件确认")


def _policy(home: Home, policy_id: str | None) -> Policy:
    from tongpin.payment.dip.run import EDITION
    from tongpin.payment.policy.library import policy_named

    return policy_named(home, policy_id or EDITION)


def _facts(catalogue: Catalogue) -> dict[str, object]:
    from tongpin.payment.dip.catalogue import KIND_LABELS

    kinds = [one.kind for one in catalogue.groups]
    return {
        **catalogue.facts,
        "digest": catalogue.digest,
        "groups": {kind: kinds.count(kind) for kind in KIND_LABELS},
        "level_means": len(catalogue.level_means),
        "auxiliary": len(catalogue.auxiliary),
    }


def _describe(catalogue: Catalogue) -> None:
    from tongpin.payment.dip.catalogue import KIND_LABELS

    kinds = [one.kind for one in catalogue.groups]
    sizes = "、".join(f"{label} {kinds.count(kind):,} 个" for kind, label in KIND_LABELS.items())
    facts = catalogue.facts
    screen.say(f"{facts['title']}（{catalogue.id}，{facts['source']}）")
    screen.say(f"{sizes}；病例 {int(facts['cases']):,} 例，加权次均费用 {yuan(int(facts['mean_fen']))} 元")
    screen.say(
        f"三年权重 {facts['year_weights']}，核心病种不少于 {facts['threshold']} 例；摘要 {catalogue.digest[:16]}"
    )
    if catalogue.assumed:
        screen.say("模拟：编制办法有未经文件确认之处")
    by_cases = sorted(catalogue.groups, key=lambda one: -sum(one.cases))[:SHOWN]
    _table(f"例数最多的病种（前 {len(by_cases)} 个）", by_cases)


def _table(title: str, groups: list[Group]) -> None:
    from tongpin.payment.dip.catalogue import KIND_LABELS, TYPE_LABELS

    screen.table(
        title,
        ["病种", "名称", "类别", "类型", "三年例数", "加权次均费用（元）", "权重"],
        [
            [
                one.code,
                one.name,
                KIND_LABELS[one.kind],
                TYPE_LABELS.get(one.type, ""),
                f"{sum(one.cases):,}",
                yuan(one.weighted_mean_fen),
                f"{one.rw_e4 / 1e4:.4f}",
            ]
            for one in groups
        ],
    )
