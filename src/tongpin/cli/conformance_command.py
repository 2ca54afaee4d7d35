"""`tongpin scheme conformance`: the suite through our own ways of grouping, or the answers of another grouper."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tongpin.cli.output import screen

if TYPE_CHECKING:
    from pathlib import Path

    from tongpin.grouping.tables.model import Outcome
    from tongpin.grouping.trials.conformance import Difference, Scenario

SHOWN = 20
"""How many different answers a screen lists."""


def conformance(export_to: Path | None, answers: Path | None) -> bool:
    """Run, export or compare the suite; true when some answer differs."""
    from tongpin.grouping.trials import conformance as suite_of

    suite = suite_of.load_suite()
    if export_to is not None:
        written = suite_of.export(suite, export_to)
        screen.give({"ok": True, "scenarios": len(suite), "cases": _count(suite), "files": [str(p) for p in written]})
        screen.say(
            f"已写出 {len(suite)} 组用例、{_count(suite):,} 例到 {export_to}：每组一夹，病例在 {suite_of.EXPORTED}",
            f"wrote {len(suite)} scenarios, {_count(suite):,} cases to {export_to}",
        )
        if answers is None:
            return False
    if answers is not None:
        given = suite_of.read_answers(answers)
        results = {"answers": {one.scenario_id: suite_of.compare(one, given) for one in suite}}
    else:
        results = {
            "interpreter": {one.scenario_id: suite_of.run(one, suite_of.by_interpreter) for one in suite},
            "kernel": {one.scenario_id: suite_of.run(one, suite_of.by_kernel) for one in suite},
        }
    return _show(suite, results)


def _count(suite: tuple[Scenario, ...]) -> int:
    return sum(len(scenario.checks) for scenario in suite)


def _show(suite: tuple[Scenario, ...], results: dict[str, dict[str, list[Difference]]]) -> bool:
    labels = {"interpreter": "解释器", "kernel": "编译后", "answers": "所给答案"}
    differences = [(way, one) for way, found in results.items() for each in found.values() for one in each]
    screen.give(
        {
            "ok": not differences,
            "scenarios": [
                {
                    "id": scenario.scenario_id,
                    "title": scenario.title,
                    "cases": len(scenario.checks),
                    "failed": {way: len(found[scenario.scenario_id]) for way, found in results.items()},
                }
                for scenario in suite
            ],
            "differences": [
                {
                    "by": way,
                    "case_id": one.case_id,
                    "expected": _words(one.expected),
                    "found": _words(one.found),
                    "why": one.why,
                }
                for way, one in differences
            ],
        },
    )
    screen.table(
        "一致性用例",
        ["用例", "证明什么", "例数", *(f"{labels[way]}通过" for way in results)],
        [
            [
                scenario.scenario_id,
                scenario.title,
                str(len(scenario.checks)),
                *(str(len(scenario.checks) - len(found[scenario.scenario_id])) for found in results.values()),
            ]
            for scenario in suite
        ],
    )
    if differences:
        rows = [
            [one.case_id, labels[way], _words(one.expected), _words(one.found), one.why]
            for way, one in differences[:SHOWN]
        ]
        screen.table("不同的答案", ["病例", "分法", "应得", "实得", "说明"], rows)
    total = _count(suite) * len(results)
    screen.say(
        f"{len(suite)} 组用例、{_count(suite):,} 例：通过 {total - len(differences):,} / {total:,}",
        f"{len(suite)} scenarios, {_count(suite):,} cases: passed {total - len(differences):,} of {total:,}",
    )
    return bool(differences)


def _words(outcome: Outcome | None) -> str:
    return "没有答案" if outcome is None else f"{outcome.status} {outcome.mdc} {outcome.adrg} {outcome.drg}"
