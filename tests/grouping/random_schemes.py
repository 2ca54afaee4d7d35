"""Seeded random schemes and cases that meet many of their conditions: what interpreter and kernel are compared on.

`draw_scheme(seed)` covers every kind of atom and every odd shape: the seed's bits choose the options, so that
consecutive seeds differ in all of them. `draw_cases(scheme, seed, count)` draws from the scheme's own codes and
thresholds, with missing, NaN and huge values, null lists and null codes among them.
"""

from __future__ import annotations

import random

import numpy as np
import pyarrow as pa

from tongpin.grouping.tables.model import CaseField, Leaf, Mdc, Options, SchemeTables, Step
from tongpin.grouping.tables.when import ALWAYS, NEVER, Condition, parse_when

NUMBERS = {
    "sex": (1, 2),
    "age": (0, 1, 6, 14, 17, 70),
    "age_days": (3, 28, 90),
    "birth_weight": (0, 1000, 1500, 2500),
    "los": (1, 5, 13.5, 60),
    "icu_hours": (0, 120),
    "dx_count": (0, 1, 3),
    "px_count": (0, 1, 2),
    "new_technique": (1,),
    "admission_weight": (-2.5, 1500, 4000),
}
TEXTS = {"dept": ("ICU", "03"), "discharge_way": ("2", "5"), "ward": ("CCU", "儿科")}
DECLARED = (
    CaseField("new_technique", "number", "新技术"),
    CaseField("admission_weight", "number", "入院体重"),
    CaseField("ward", "text", "病区"),
)
DX = [f"D{number:03d}" for number in range(90)]
PX = [f"P{number:03d}" for number in range(60)]
UNKNOWN = 5
"""The last codes of each kind stand in no list and no table."""


def draw_scheme(seed: int, *, lists: int = 24, mdcs: int = 7) -> SchemeTables:
    """A scheme; `lists` of each kind of code (more than 64 fill several words), some of them empty or overlapping."""
    draw = random.Random(seed)
    dx_lists = _lists(draw, "dx", DX, lists)
    px_lists = _lists(draw, "px", PX, lists) | {"valid_px": frozenset(draw.sample(PX[:-UNKNOWN], 20))}
    words = _Words(draw, list(dx_lists), list(px_lists))
    site_count = draw.choice([2, 9, 64])
    tables = ["t1", "t2", "t3", "999"]  # no principal has 999: never excluded
    mcc = {code: draw.choice(tables) for code in draw.sample(DX[:-UNKNOWN], 18)}
    cc = {code: draw.choice(tables) for code in draw.sample(DX[:-UNKNOWN], 24)}
    cc |= {code: draw.choice(tables) for code in draw.sample(sorted(mcc), 3)}
    return SchemeTables(
        scheme_id=f"random-{seed}",
        title="随机方案",
        source="测试",
        options=Options(
            adrg_without_leaf="next" if seed & 1 else "stop",
            mdc_without_group="stop" if seed & 2 else "next",
            retry_other_px=bool(seed & 4),
            newborn_days=draw.choice([28, 30]),
            ungrouped=("0000", "00", "0000A" if seed & 8 else "0000"),
            rejected=("", "", "") if seed & 8 else ("0000", "00", "0000"),
        ),
        fields=DECLARED,
        mdcs=tuple(_mdc(draw, words, f"MDC{chr(65 + number)}") for number in range(mdcs)),
        dx_lists=dx_lists,
        px_lists=px_lists,
        mcc=mcc,
        cc=cc,
        exclusion={code: draw.choice(tables[:3]) for code in draw.sample(DX, 40)},
        sites={code: f"site {draw.randrange(site_count)}" for code in draw.sample(DX, 60)},
        dx_names={},
        px_names={},
        dx_map={code: draw.choice(DX) for code in draw.sample(DX, 80)},
        px_map={code: draw.choice(PX) for code in draw.sample(PX, 55)},
        drg_names={},
        digest=f"random {seed} {lists} {mdcs}",
    )


def _lists(draw: random.Random, kind: str, codes: list[str], count: int) -> dict[str, frozenset[str]]:
    sizes = [draw.choice([1, 3, 8, 20, 40]) for _ in range(count)]
    sizes[0] = 0
    return {f"{kind}{number}": frozenset(draw.sample(codes[:-UNKNOWN], size)) for number, size in enumerate(sizes)}


class _Words:
    """Conditions as they are written in tables."""

    def __init__(self, draw: random.Random, dx_lists: list[str], px_lists: list[str]) -> None:
        self.draw = draw
        self.lists = {"d": dx_lists, "p": px_lists}

    def atom(self) -> str:
        draw = self.draw
        mark = draw.choice(["", "", "", "", "!"])
        family = draw.choice(["list"] * 6 + ["number"] * 4 + ["complication"] * 3 + ["text"])
        if family == "list":
            kind = draw.choice(["dx_main", "dx_any", "dx_other", "px_main", "px_any", "px_other"])
            return f"{mark}{kind}:{draw.choice(self.lists[kind[0]])}"
        if family == "number":
            name = draw.choice(list(NUMBERS))
            return f"{mark}{name}{draw.choice(['<', '<=', '>', '>=', '=='])}{draw.choice(NUMBERS[name])}"
        if family == "complication":
            return f"{mark}{draw.choice(['mcc', 'cc'])}"
        name = draw.choice(list(TEXTS))
        if draw.random() < 0.5:
            return f"{mark}{name}=={draw.choice(TEXTS[name])}"
        return f"{mark}{name}:{','.join(TEXTS[name])}"

    def condition(self, atoms: int, *, always: float = 0.1, never: float = 0.05) -> Condition:
        chance = self.draw.random()
        if chance < always:
            return ALWAYS
        if chance < always + never:
            return NEVER
        clauses = [
            " & ".join(self.atom() for _ in range(self.draw.randint(1, atoms)))
            for _ in range(self.draw.choice([1, 1, 2, 3]))
        ]
        return parse_when(" | ".join(clauses), (*NUMBERS,), (*TEXTS,))


def _mdc(draw: random.Random, words: _Words, code: str) -> Mdc:
    steps = []
    for number in range(draw.randint(3, 7)):
        if draw.random() < 0.2:
            steps.append(Step("ambiguous", "", "", "歧义", words.condition(2), (), number))
            continue
        adrg = f"{code[-1]}{number}"
        leaves = tuple(
            Leaf(f"{adrg}{leaf}", "", words.condition(2, always=0.25, never=0.1), leaf)
            for leaf in range(draw.randint(0, 4))
        )
        steps.append(Step("adrg", adrg, f"{adrg}_1", "", words.condition(3, always=0.03), leaves, number))
    min_sites = draw.choice([0, 0, 0, 1, 2, 4])
    return Mdc(code, "", words.condition(3, always=0.03), min_sites, tuple(steps), 1)


def draw_cases(seed: int, count: int) -> pa.Table:
    """Cases of any random scheme, with every column that one may read."""
    random_numbers = np.random.default_rng(seed)
    columns = {}
    for name, thresholds in NUMBERS.items():
        if name not in {"dx_count", "px_count"}:
            values = [*(mark + step for mark in thresholds for step in (-1, 0, 0.5)), -1e300, 1e300, np.inf, np.nan]
            values += [50.0] * len(values)
            drawn = random_numbers.choice(values, count)
            columns[name] = pa.array(drawn, mask=random_numbers.random(count) < 0.15)
    columns["sex"] = pa.array(random_numbers.choice([1, 2, 3], count, p=[0.48, 0.48, 0.04]), pa.int8())
    whole = random_numbers.choice([0, 1, 6, 13, 17, 50, 70], count)
    columns["age"] = pa.array(whole, pa.int16(), mask=random_numbers.random(count) < 0.03)
    for name, words in TEXTS.items():
        columns[name] = pa.array(random_numbers.choice([*words, "?", None], count).tolist(), pa.string())
    columns["dx"] = _code_lists(random_numbers, DX, random_numbers.integers(0, 6, count))
    columns["px"] = _code_lists(random_numbers, PX, random_numbers.integers(0, 4, count))
    columns["code_map"] = pa.array(random_numbers.random(count) < 0.1).cast(pa.int8())
    return pa.table(columns)


def _code_lists(random_numbers: np.random.Generator, codes: list[str], lengths: np.ndarray) -> pa.Array:
    words = pa.array([*codes, "unknown"])
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    indices = random_numbers.integers(0, len(words), starts[-1]).astype(np.int32)
    values = pa.DictionaryArray.from_arrays(pa.array(indices, mask=random_numbers.random(len(indices)) < 0.01), words)
    return pa.ListArray.from_arrays(pa.array(starts), values, mask=pa.array(random_numbers.random(len(lengths)) < 0.02))
