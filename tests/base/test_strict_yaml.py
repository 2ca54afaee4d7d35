"""Two parsers read YAML alike: the fast one what is right, the plain one what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

import tongpin
from tongpin.base import strict_yaml
from tongpin.base.errors import TongpinError

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
