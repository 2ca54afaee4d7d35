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


def layout_section(layout: str) -> str:
    text = (REPOSITORY / "docs" / "own-layouts.md").read_text(encoding="utf-8")
    (section,) = re.findall(rf"^## \S+ {layout}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    return section


def test_every_own_layout_is_documented_field_by_field() -> None:
    from tongpin.records.layouts.catalogue import layout_fields, layouts
    from tongpin.records.layouts.values import TYPES

    for name, layout in layouts().items():
        section = layout_section(name)
        assert f"标识：{'、'.join(f'`{part}`' for part in layout.key)}\n" in section
        cells = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| `")]
        documented = {one[0].strip("`"): (*one[1:3], one[3] if len(one) > 3 else "") for one in cells}
        fields = {row["field"]: row for row in layout_fields(name)}
        assert list(documented) == list(fields)
        for field, (label, kind, need) in documented.items():
            row = fields[field]
            choices = [part.split()[0].strip("`") for part in kind.removeprefix("选项：").split("、")]
            assert label == row["name_zh"]
            assert choices == row["choices"].split("|") if row["choices"] else kind.startswith(TYPES[row["type"]].label)
            assert ("可为负" in kind) == bool(row["signed"])
            when = row["required_when"].partition("=")
            wanted = [when[0], *when[2].split("|")] if when[0] else []
            assert [
                part.strip("`“”")
                for part in re.split("[、 ]", need.replace(" 为 ", " ").removesuffix(" 时"))
                if when[0]
            ] == wanted
            assert when[0] or need.rstrip("| ") == {"Y": "是", "C": "列必有", "N": ""}[row["required"]]


def test_the_example_row_of_a_layout_stands_in_its_example_file() -> None:
    from tongpin.records.layouts.catalogue import layouts

    for name in layouts():
        (shown,) = re.findall(r"```csv\n(.*?)\n```", layout_section(name), re.DOTALL)
        file = REPOSITORY / "docs" / "examples" / "own" / f"{name}.csv"
        assert shown.splitlines() == file.read_text(encoding="utf-8").splitlines()[:2]


def test_own_layouts_are_listed_with_label_version_and_meaning() -> None:
    from tongpin.records.layouts.catalogue import layouts

    text = (REPOSITORY / "docs" / "own-layouts.md").read_text(encoding="utf-8")
    for one in layouts().values():
        assert f"| [`{one.name}`](#{one.label}-{one.name}) | {one.label} | {one.version} | {one.note} |" in text


GUIDE = REPOSITORY / "docs" / "export-guide.md"
OTHER_WORDS = {"infno", "input", "data"}
"""Keys that stand around a message, not in it."""


def test_the_export_guide_names_only_fields_that_exist() -> None:
    from tongpin.records.formats import tables
    from tongpin.records.layouts.catalogue import layout_fields, layouts

    nodes: dict[str, set[str]] = {}
    for row in tables.rows("fields/settlement_list.csv"):
        nodes.setdefault(row["node"], set()).add(row["field"])
    known = {*nodes, *OTHER_WORDS, *tables.list_aliases(), *set().union(*nodes.values())}
    known |= {row["field"] for name in layouts() for row in layout_fields(name)} | {"setlId"}
    pages = {
        row["code"].replace("{n}", f"{n:02d}")
        for row in tables.rows("fields/front_page.csv")
        for n in range(1, int(row["repeat"]) + 1)
    }
    words = re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", GUIDE.read_text(encoding="utf-8"), flags=re.DOTALL))
    paths = [word.split(".") for word in words if re.fullmatch(r"[a-z]+\.[a-z]\w+", word)]
    assert len(paths) > 60
    assert [path for path in paths if path[1] not in nodes.get(path[0], ())] == []
    assert [word for word in words if re.fullmatch(r"[a-z][a-zA-Z0-9_]+", word) and word not in known] == []
    assert [word for word in words if re.fullmatch(r"[A-F]\d\d[xCN\d]*", word) and word not in pages] == []


def test_the_export_guide_names_only_rules_and_commands_that_exist() -> None:
    from tongpin.cli.app import app
    from tongpin.records.case.rules import rules

    text = GUIDE.read_text(encoding="utf-8")
    named = dict(re.findall(r"^\| `(REC-\w+)` (\S+)", text, re.MULTILINE))
    assert len(named) > 9
    assert [one for one in named if one not in rules()] == []
    commands = {command.callback.__name__ for command in app.registered_commands if command.callback}
    used = set(re.findall(r"(?:^|`)tongpin (\w+)", text, re.MULTILINE))
    assert used
    assert used - commands == set()


def test_every_key_and_table_of_a_scheme_is_documented() -> None:
    from tongpin.grouping.tables.read import OPTION_KEYS, TABLES

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
    from tongpin.payment.policy.vocabulary import KNOWN

    text = (REPOSITORY / "docs" / "policy-format.md").read_text(encoding="utf-8")
    assert [key for key in KNOWN if f"| `{key}` |" not in text] == []
    assert [option for known in KNOWN.values() for option in known.options if f"`{option}`" not in text] == []


def test_every_parameter_of_a_reading_edition_is_documented() -> None:
    from tongpin.records.views.edition import KNOWN

    text = (REPOSITORY / "docs" / "policy-format.md").read_text(encoding="utf-8")
    assert [key for key in KNOWN if f"| `{key}` |" not in text] == []
    assert [option for known in KNOWN.values() for option in known.options if f"`{option}`" not in text] == []
