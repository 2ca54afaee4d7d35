"""Drafts 草案: a new edition in a home as a copy of one at hand, to be changed, tried and compared."""

from __future__ import annotations

import json
import re
import shutil
from typing import TYPE_CHECKING

from tongpin.base.errors import PolicyError
from tongpin.payment.policy.json_schema import schema_text
from tongpin.payment.policy.library import policy_folders, policy_named
from tongpin.payment.policy.policy import POLICY_FILE, Policy

if TYPE_CHECKING:
    from tongpin.store.home import Home

SCHEMA_FILE = "policy.schema.json"
_NAME = re.compile(r"[\w-]+/[\w-]+")


def new_edition(home: Home, name: str, source: str) -> Policy:
    """The edition `name` (`area/edition`) of the home, copied from `source` as a draft; values stay as they stand.

    The file keeps its comments; only `id`, `label` and `draft` differ, so that `assumed` and references are the
    source's. Its first line leads editors to the schema, which stands beside the areas. Raises PolicyError
    `policy.name`, `policy.exists` or `policy.unknown`.
    """
    check_new_name(home, name)
    original = policy_named(home, source)
    folder = policy_folders(home)[source]
    target = home.policies.joinpath(*name.split("/"))
    target.mkdir(parents=True)
    for table in sorted(folder.glob("*.csv")):
        shutil.copy(table, target / table.name)
    (home.policies / SCHEMA_FILE).write_text(schema_text(), encoding="utf-8")
    text = (folder / POLICY_FILE).read_text(encoding="utf-8")
    label = f"{original.edition.label}——草案 {name}"
    (target / POLICY_FILE).write_text(_renamed(text, name, label), encoding="utf-8")
    return Policy.load(target)


def check_new_name(home: Home, name: str) -> None:
    """Nothing, or PolicyError: `policy.name` (not `area/edition`), `policy.exists` (there is one of that name)."""
    if not _NAME.fullmatch(name):
        raise PolicyError("policy.name", f"“{name}”不能作版本的名称", hint="写成 统筹区/版本，例如 my-city/2026")
    if name in policy_folders(home):
        raise PolicyError("policy.exists", f"已经有付费办法 {name}", hint="换一个版本名；不要覆盖已有的版本")


def _renamed(text: str, name: str, label: str) -> str:
    """The file with another id and label, marked as a draft, with the line by which editors find the schema."""
    text = re.sub(r"\A# yaml-language-server:.*\n", "", text)
    titled = f"label: {json.dumps(label, ensure_ascii=False)}"
    kept = re.sub(r"^draft:.*\n", "", text, flags=re.MULTILINE)
    named = re.sub(r"^id:.*$", lambda _: f"id: {name}\ndraft: true", kept, count=1, flags=re.MULTILINE)
    labelled = re.sub(r"^label:.*$", lambda _: titled, named, count=1, flags=re.MULTILINE)
    return f"# yaml-language-server: $schema=../../{SCHEMA_FILE}\n{labelled}"
