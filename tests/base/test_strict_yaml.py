"""Two parsers read YAML alike: the fast one what is right, the plain one what is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import pytest
import yaml
from pydantic import Field, ValidationError

import tongpin
from tongpin.base import strict_yaml
from tongpin.base.errors import TongpinError
from tongpin.base.strict_yaml import Strict

SHIPPED = sorted(Path(tongpin.__file__).parent.rglob("*.yaml"))


def test_both_parsers_give_the_same_for_every_shipped_file() -> None:
    assert len(SHIPPED) > 50
    for path in SHIPPED:
        text = path.read_text(encoding="utf-8")
        fast, plain = (yaml.load(text, Loader=one) for one in (strict_yaml._FastLoader, strict_yaml._StrictLoader))
        assert repr(fast) == repr(plain), path


@pytest.mark.parametrize("text", ["a: 1\na: 2\n", "a: .inf\n", "a: [1\n", "a: 2025-13-01\n", "a:\n\t- 1\n", "1.5: a\n"])
def test_a_mistake_is_told_in_the_words_of_one_parser(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text(text, encoding="utf-8")
    said = []
    for fast in (strict_yaml._FastLoader, strict_yaml._StrictLoader):
        monkeypatch.setattr(strict_yaml, "_FastLoader", fast)
        with pytest.raises(TongpinError) as caught:
            strict_yaml.load_strict_yaml(path, "edition")
        said.append(str(caught.value))
    assert said[0] == said[1]


class _Asked(Strict):
    kind: Literal["month", "year"]
    count: Annotated[int, Field(ge=1, le=9)]


@pytest.mark.parametrize(
    ("data", "place", "message", "hint"),
    [
        ({"kind": "day", "count": 1}, "kind", "只能是 'month'、'year'", "从中选一个"),
        ({"kind": "year", "count": 10}, "count", "不得大于 9", "改小"),
        ({"kind": "year", "count": "many"}, "count", "应是整数", "改成整数"),
        ({"kind": "year"}, "count", "缺少这个键", "补上它"),
        ({"kind": "year", "count": 1, "more": 1}, "more", "不认识这个键", "删去它，或改成正确的键名"),
    ],
)
def test_a_fault_is_told_in_chinese(data: dict[str, object], place: str, message: str, hint: str) -> None:
    with pytest.raises(ValidationError) as caught:
        _Asked.model_validate(data)
    assert strict_yaml.first_fault(caught.value) == (place, message, hint)


def test_a_fault_without_words_of_ours_keeps_its_own() -> None:
    told = strict_yaml.fault_words({"type": "unheard_of", "msg": "a {brace}"})
    assert told == ("值不合要求（a {brace}）", "改成这个键要求的写法")
    assert strict_yaml.fault_words({"type": "less_than_equal", "msg": "no bound"})[0] == "值不合要求（no bound）"
