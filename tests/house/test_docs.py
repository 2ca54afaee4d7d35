"""The documents: a decision has a status and a date, and is listed in order."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
DECISIONS = sorted((REPOSITORY / "docs" / "adr").glob("*.md"))


@pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.stem)
def test_a_decision_has_status_and_date(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert re.search(rf"^# {path.name[:4]} \S", text, re.MULTILINE)
    assert re.search(r"^- Status: (proposed|accepted|superseded by \d{4})$", text, re.MULTILINE)
    assert re.search(r"^- Date: 20\d\d-[01]\d-[0-3]\d$", text, re.MULTILINE)


def test_decisions_are_numbered_without_gaps() -> None:
    assert [int(path.name[:4]) for path in DECISIONS] == list(range(1, len(DECISIONS) + 1))
    assert DECISIONS


def test_every_dependency_has_its_reason() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    named = [*project["project"]["dependencies"]]
    for group in project["dependency-groups"].values():
        named += group
    (reasons,) = (path.read_text(encoding="utf-8") for path in DECISIONS if path.name.startswith("0003"))
    names = [re.match(r"[A-Za-z0-9_.-]+", entry)[0] for entry in named]  # type: ignore[index]
    assert [name for name in names if f"`{name}`" not in reasons] == []


@pytest.mark.parametrize("path", sorted(REPOSITORY.glob("docs/**/*.md")) + sorted(REPOSITORY.glob("*.md")), ids=str)
def test_links_between_documents_lead_somewhere(path: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8"))
    assert [link for link in links if not (path.parent / link).exists()] == []


def test_make_help_names_every_target() -> None:
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    targets = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert targets
    assert [name for name in targets[1].split() if not re.search(rf"^{name}:.*## \S", makefile, re.MULTILINE)] == []


def test_the_changelog_names_the_version() -> None:
    from tongpin import __version__

    assert f"## [{__version__}]" in (REPOSITORY / "CHANGELOG.md").read_text(encoding="utf-8")


def test_every_field_of_the_own_layouts_is_documented() -> None:
    from tongpin.records.own_layouts import LAYOUTS, layout_fields

    text = (REPOSITORY / "docs" / "own-layouts.md").read_text(encoding="utf-8")
    for layout in LAYOUTS:
        section = text.split(f" {layout}\n", 1)[1].split("\n## ")[0]
        assert [f["field"] for f in layout_fields(layout) if f"| `{f['field']}` |" not in section] == []


def test_every_key_and_table_of_a_scheme_is_documented() -> None:
    from tongpin.grouping.tables import OPTION_KEYS, TABLES

    text = (REPOSITORY / "docs" / "scheme-format.md").read_text(encoding="utf-8")
    assert [name for name in TABLES if f"`{name}`" not in text] == []
    assert [key for key in OPTION_KEYS if key not in text] == []


def test_every_command_stands_in_the_readme() -> None:
    from tongpin.cli.app import app

    text = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    names = [command.callback.__name__ for command in app.registered_commands]
    names += [group.name or "" for group in app.registered_groups]
    assert [name for name in names if f"tongpin {name}" not in text] == []


def test_every_parameter_of_a_policy_is_documented() -> None:
    from tongpin.payment.vocabulary import KNOWN

    text = (REPOSITORY / "docs" / "policy-format.md").read_text(encoding="utf-8")
    assert [key for key in KNOWN if f"| `{key}` |" not in text] == []
    assert [option for known in KNOWN.values() for option in known.options if f"`{option}`" not in text] == []
