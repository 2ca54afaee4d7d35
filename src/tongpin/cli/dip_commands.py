"""`tongpin dip build | show | check | why`: the catalogue and the way of a case into it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tongpin.base.errors import PolicyError, StoreError
from tongpin.base.money import yuan
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
    policy = dip_policy(home, policy_id)
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
    kept = name if output is None else str(folder)
    screen.say(
        f"接着：tongpin dip check {kept} 检查；tongpin dip value --year {last[:4]} --catalogue {kept} 看预算点值"
    )
    if output is None and policy.scheme_id == name:
        area = policy.id.split("/")[0]
        screen.say(f"付费办法 {policy.id} 用的就是它：tongpin settle --month {last} --area {area} 按它月结")


def show(home_path: Path | None, name: str, code: str | None) -> None:
    """Say what a catalogue is, or one of its diseases."""
    catalogue = _catalogue(home_path, name)
    if code is None:
        screen.give({"ok": True, "catalogue": _facts(catalogue)})
        _describe(catalogue)
        return
    one = catalogue.by_code.get(code)
    if one is None:
        raise PolicyError("dip.unknown", f"目录里没有病种 {code}", where=name, hint="用 dip show 看有哪些病种")
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


def check(home_path: Path | None, name: str) -> bool:
    """Name what a catalogue contradicts in itself; true when there is anything."""
    from tongpin.payment.dip.check import check_catalogue

    findings = check_catalogue(_catalogue(home_path, name))
    screen.give({"ok": not findings, "findings": [finding.as_dict() for finding in findings]})
    screen.findings(findings)
    if not findings:
        screen.say("没有发现问题", "nothing found")
    return bool(findings)


def why(home_path: Path | None, name: str, case_id: str) -> None:
    """Say how a loaded list comes to its disease, stage by stage."""
    import pyarrow.compute as pc

    from tongpin.payment.dip.library import named_catalogue
    from tongpin.payment.dip.trace import trace_of
    from tongpin.records.intake.load import CASES, read_loaded
    from tongpin.store.home import Home

    home = Home.open(home_path)
    cases = read_loaded(home, CASES)
    rows = cases.filter(pc.equal(cases["case_id"], case_id)).to_pylist()
    if not rows:
        raise StoreError("dip.case", f"没有装载清单 {case_id}", where=str(home.root), hint="检查结算号")
    trace = trace_of(rows[0], named_catalogue(home, name))
    screen.give({"ok": True, "case_id": case_id, "trace": trace._asdict(), "lines": trace.lines()})
    for line in trace.lines():
        screen.say(line)


def _catalogue(home_path: Path | None, name: str) -> Catalogue:
    from tongpin.payment.dip.library import named_catalogue
    from tongpin.store.home import Home

    return named_catalogue(Home.open(home_path), name)


def dip_policy(home: Home, policy_id: str | None) -> Policy:
    """The named edition, else the shipped national one."""
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
