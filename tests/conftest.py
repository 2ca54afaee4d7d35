"""What every test may use: the marker `needs`, the option `--registry`, and the things tests need.

`@pytest.mark.needs("chromium")` counts a test as *not run* where the thing is missing: neither passed nor skipped.
`--registry` compares the registry of requirements with the run: what it says works must have passed here.
"""

from __future__ import annotations

import shutil
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tongpin.coverage.registry import STATUS_LABELS, Requirement, load_registry, summary

if TYPE_CHECKING:
    from collections.abc import Iterator

REPOSITORY = Path(__file__).resolve().parent.parent
REFERENCE = REPOSITORY.parent / "shared" / "reference"
CHROMIUM_FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"),
    "--disable-sync",
)


def is_worker(config: pytest.Config) -> bool:
    """Whether this process is one of several that `-n` started; the first one sums up."""
    return hasattr(config, "workerinput")


def find_chromium() -> Path | None:
    found = shutil.which("chromium", path="/usr/bin") or shutil.which("chromium")
    return Path(found) if found else None


NEEDS = {
    "reference": (REFERENCE.is_dir, "仓库旁没有核对用的真实方案（../shared/reference）"),
    "java": (lambda: shutil.which("java") is not None, "没有 Java（apt-get install openjdk-17-jre-headless）"),
    "chromium": (lambda: find_chromium() is not None, "没有 Chromium（apt-get install chromium）"),
}

NOT_RUN = "not run"
OUTCOMES = pytest.StashKey[dict[str, str]]()
COMPARISON = pytest.StashKey[tuple[list[str], list[str]]]()


@pytest.fixture(scope="session")
def reference_folder() -> Path:
    """The folder of real schemes; tests that use it carry `needs("reference")`."""
    return REFERENCE


@pytest.fixture(scope="session")
def chromium_path() -> Path | None:
    """The browser; tests that use it carry `needs("chromium")`."""
    return find_chromium()


@pytest.fixture(scope="module")
def browser(chromium_path: Path | None) -> Iterator[Any]:
    """A headless Chromium for the tests of one module, which carry `needs("chromium")`.

    It ends with its module: as long as it lives, an event loop runs in this thread, and no other may start one.
    """
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        one = playwright.chromium.launch(executable_path=str(chromium_path), args=list(CHROMIUM_FLAGS))
        yield one
        one.close()


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Compiled schemes of this run are kept apart from those of the person who runs it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TONGPIN_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(autouse=True)
def screen_for_people(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that calls a command's work itself finds the screen as a new process does, not as another test left it."""
    if output := sys.modules.get("tongpin.cli.output"):
        monkeypatch.setattr(output.screen, "as_json", False)
        monkeypatch.setattr(output.screen, "language", "zh")


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("tongpin")
    group.addoption("--registry", action="store_true", help="compare the registry of requirements with this run")
    group.addoption("--registry-file", type=Path, help="compare this registry instead of the package's own")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "needs(what): runs only where `what` is at hand; elsewhere it counts as *not run*"
    )
    config.pluginmanager.register(Outcomes(config))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        for mark in item.iter_markers("needs"):
            unknown = set(mark.args) - set(NEEDS)
            if unknown or not mark.args:
                raise pytest.UsageError(f"{item.nodeid}: needs{mark.args!r}: known are {', '.join(NEEDS)}")


def pytest_runtest_setup(item: pytest.Item) -> None:
    for mark in item.iter_markers("needs"):
        for what in mark.args:
            is_at_hand, reason = NEEDS[what]
            if not is_at_hand():
                item.user_properties.append((NOT_RUN, reason))
                pytest.skip(f"{NOT_RUN}: {reason}")


def is_not_run(report: pytest.TestReport) -> bool:
    return report.skipped and any(name == NOT_RUN for name, _ in report.user_properties)


def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, str] | None:
    if report.when == "setup" and is_not_run(report):
        return NOT_RUN, "n", "NOT RUN"
    return None


class Outcomes:
    """How every test of this run went, gathered where all reports arrive: also those of parallel workers."""

    def __init__(self, config: pytest.Config) -> None:
        self.found = config.stash[OUTCOMES] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.found[report.nodeid] = "failed"
        elif hasattr(report, "wasxfail"):
            self.found[report.nodeid] = "xfailed"
        elif report.skipped:
            self.found[report.nodeid] = NOT_RUN if is_not_run(report) else "skipped"
        elif report.when == "call":
            self.found[report.nodeid] = "passed"


def compare(rows: list[Requirement], outcomes: dict[str, str]) -> tuple[list[str], list[str]]:
    """The registry's faults against a run, and the requirements whose tests were all *not run*.

    A name stands for one test (all its parameters), a class or a file. A requirement that works, or works in part
    and names tests, is at fault when a named test does not exist, or any of it was skipped, xfailed or failed.
    """
    faults: list[str] = []
    not_run: list[str] = []
    for row in rows:
        if row.status not in {"works", "partial"}:
            continue
        seen: set[str] = set()
        for name in row.tests:
            found = {
                node: outcome
                for node, outcome in outcomes.items()
                if node == name or node.startswith((f"{name}::", f"{name}["))
            }
            if not found:
                faults.append(f"{row.id} {row.status}：{name} 不存在，或这次没有跑")
            faults.extend(
                f"{row.id} {row.status}：{node} {outcome}"
                for node, outcome in found.items()
                if outcome not in {"passed", NOT_RUN}
            )
            seen.update(found.values())
        if seen == {NOT_RUN}:
            not_run.append(row.id)
    return faults, not_run


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    config = session.config
    if not config.getoption("--registry") or config.option.collectonly or is_worker(config):
        return
    rows = load_registry(config.getoption("--registry-file"))
    config.stash[COMPARISON] = compare(rows, config.stash[OUTCOMES])
    faults, _ = config.stash[COMPARISON]
    if faults and exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    reports = terminalreporter.stats.get(NOT_RUN, [])
    if reports:
        terminalreporter.section(f"未运行 not run：{len(reports)} 个测试", yellow=True)
        reasons = Counter(reason for report in reports for name, reason in report.user_properties if name == NOT_RUN)
        for reason, count in reasons.items():
            terminalreporter.line(f"{count} 个：{reason}")
        for report in reports:
            terminalreporter.line(f"NOT RUN {report.nodeid}")
    if COMPARISON not in config.stash:
        return
    faults, not_run = config.stash[COMPARISON]
    terminalreporter.section("需求登记与本次运行")
    counts = summary(load_registry(config.getoption("--registry-file")))
    terminalreporter.line("，".join(f"{status} {STATUS_LABELS[status]} {count}" for status, count in counts.items()))
    for requirement in not_run:
        terminalreporter.line(f"NOT RUN {requirement}：它的测试在这台机器上都没有运行；登记不变", yellow=True)
    for fault in faults:
        terminalreporter.line(f"FAULT {fault}", red=True)
    if faults:
        terminalreporter.line(f"登记有 {len(faults)} 处与运行不符：改正登记（coverage/registry.csv）或测试", red=True)
