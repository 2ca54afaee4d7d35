"""The test suite's own plugin: *not run* is counted apart, and the registry may claim only what this run proved."""

from __future__ import annotations

from pathlib import Path

import pytest

PLUGIN = Path(__file__).resolve().parent.parent / "conftest.py"
HEADER = "id,issue,name,formula,inputs,outputs,figures,user,status,where,test\n"

TESTS = """
    import pytest

    def test_good(): assert 1 + 1 == 2

    def test_bad(): assert 1 + 1 == 3

    @pytest.mark.parametrize("number", [1, 2])
    def test_many(number): assert number

    @pytest.mark.skip(reason="later")
    def test_skipped(): assert False

    @pytest.mark.xfail(reason="known")
    def test_xfailed(): assert False

    @pytest.mark.xfail(reason="thought to fail")
    def test_xpassed(): assert True

    @pytest.mark.needs("reference")
    def test_needy(): assert True

    @pytest.fixture
    def broken():
        yield
        raise RuntimeError

    def test_broken_teardown(broken): assert True
"""


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A repository of its own with our plugin and no other: no reference beside it."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makeini("[pytest]\naddopts = --strict-markers\n")
    folder = pytester.mkdir("tests")
    (folder / "conftest.py").write_text(PLUGIN.read_text(encoding="utf-8"), encoding="utf-8")
    pytester.makepyfile(**{"tests/test_sample": TESTS})
    return pytester


def run(suite: pytest.Pytester, *rows: str, only: str = "") -> pytest.RunResult:
    """The suite run against a registry of `status,test` rows."""
    cells = [row.split(",") for row in rows]
    lines = [f"S{n},spine,name,,,,,both,{status},where,{test}" for n, (status, test) in enumerate(cells, start=1)]
    path = suite.path / "registry.csv"
    path.write_text(HEADER + "\n".join(lines) + "\n", encoding="utf-8")
    return suite.runpytest_inprocess("tests", "--registry", f"--registry-file={path}", "-k", only or "test_")


def test_a_proved_registry_passes(suite: pytest.Pytester) -> None:
    result = run(
        suite,
        "works,tests/test_sample.py::test_good",
        "works,tests/test_sample.py::test_many",
        "partial,",
        "planned,",
        only="good or many",
    )
    assert result.ret == 0
    result.stdout.fnmatch_lines(["*works 已实现 2*partial 部分实现 1*planned 计划中 1*"])
    result.stdout.no_fnmatch_line("FAULT*")


def test_a_file_or_one_parameter_can_be_named(suite: pytest.Pytester) -> None:
    result = run(suite, "works,tests/test_sample.py", "works,tests/test_sample.py::test_many[2]", only="good or many")
    assert result.ret == 0


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("test_skipped", "skipped"),
        ("test_xfailed", "xfailed"),
        ("test_xpassed", "xfailed"),
        ("test_absent", "不存在，或这次没有跑"),
        ("test_goo", "不存在，或这次没有跑"),
    ],
)
def test_a_claim_without_proof_fails_the_run(suite: pytest.Pytester, name: str, fault: str) -> None:
    result = run(
        suite,
        f"works,tests/test_sample.py::test_good;tests/test_sample.py::{name}",
        only="not bad and not broken",
    )
    assert result.ret == 1
    result.stdout.fnmatch_lines([f"FAULT S1 works*tests/test_sample.py::{name} {fault}"])


@pytest.mark.parametrize("name", ["test_bad", "test_broken_teardown"])
def test_a_failed_proof_is_named(suite: pytest.Pytester, name: str) -> None:
    result = run(suite, f"works,tests/test_sample.py::{name}")
    assert result.ret == 1
    result.stdout.fnmatch_lines([f"FAULT S1 works*tests/test_sample.py::{name} failed"])


def test_a_partial_row_that_names_a_test_is_held_to_it(suite: pytest.Pytester) -> None:
    assert run(suite, "partial,tests/test_sample.py::test_skipped", only="skipped").ret == 1


def test_a_planned_row_is_not_compared(suite: pytest.Pytester) -> None:
    assert run(suite, "planned,tests/test_sample.py::test_absent", only="good").ret == 0


def test_not_run_is_printed_and_changes_nothing(suite: pytest.Pytester) -> None:
    result = run(suite, "works,tests/test_sample.py::test_needy", only="needy or good")
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        [
            "*未运行 not run：1 个测试*",
            "NOT RUN tests/test_sample.py::test_needy",
            "*works 已实现 1*",
            "NOT RUN S1*",
            "*1 passed, * 1 not run*",
        ]
    )


def test_one_proof_that_ran_is_enough_beside_one_not_run(suite: pytest.Pytester) -> None:
    result = run(suite, "works,tests/test_sample.py::test_needy;tests/test_sample.py::test_good", only="needy or good")
    assert result.ret == 0
    result.stdout.no_fnmatch_line("NOT RUN S1*")


def test_an_unknown_need_is_refused(suite: pytest.Pytester) -> None:
    suite.makepyfile(
        **{
            "tests/test_other": """
            import pytest

            @pytest.mark.needs("unicorn")
            def test_unicorn(): pass
            """
        }
    )
    result = suite.runpytest_inprocess("tests")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*needs('unicorn',): known are reference, java, chromium*"])
