"""What a page says instead of a command of the terminal."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import tongpin
from tongpin.workbench.api.hints import _catalogue, page_hint

SOURCE = "".join(path.read_text(encoding="utf-8") for path in Path(tongpin.__path__[0]).rglob("*.py"))


def test_a_command_becomes_what_a_page_can_do() -> None:
    told = page_hint("settle.open", "先运行 tongpin settle --month 2025-06")
    assert "起草结算公文" in told
    assert "tongpin" not in told


def test_a_hint_without_a_command_stays() -> None:
    assert page_hint("settle.open", "换一个月份") == "换一个月份"
    assert page_hint("policy.gap", "费率 1--2 之间补一段") == "费率 1--2 之间补一段"


def test_a_command_without_words_for_a_page_goes_to_those_with_a_terminal() -> None:
    assert page_hint("no.such", "先运行 tongpin load") == "由信息科在命令行处理：先运行 tongpin load"


@pytest.mark.parametrize("code", sorted(_catalogue().hints))
def test_every_code_is_raised_somewhere_and_its_words_name_no_command(code: str) -> None:
    assert f'"{code}"' in SOURCE
    assert not re.search(r"tongpin|--", _catalogue().hints[code])
