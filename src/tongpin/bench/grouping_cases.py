"""Cases for the grouping benchmark 基准病例: stays as the demonstration city has them, and random ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tongpin.demo.city import build_city
from tongpin.records.case.schema import GROUPING_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tongpin.grouping.tables.model import SchemeTables

SEED = 20_250_601


def build(folder: Path, scheme_folder: Path, *, cases: int | None = None, months: int | None = None) -> list[Path]:
    """A city in the typed plain layout, so many lists or months of it; its files in order."""
    build_city(folder, cases=cases, months=months, scheme_folder=scheme_folder, layout="plain", layouts="few")
    return sorted((folder / "files").glob("*/plain/*.parquet"))


def city_cases(files: Sequence[Path], count: int) -> pa.Table:
    """The first `count` stays of a city's files, what grouping reads, codes dictionary-encoded."""
    parts: list[pa.Table] = []
    for path in files:
        file = pq.ParquetFile(path)
        parts.append(file.read([name for name in GROUPING_COLUMNS if name in file.schema_arrow.names]))
        if sum(part.num_rows for part in parts) >= count:
            break
    cases = pa.concat_tables(parts).slice(0, count).unify_dictionaries().combine_chunks()
    return cases.set_column(0, "case_id", pa.array([f"{number:09d}" for number in range(cases.num_rows)]))


def draw_cases(scheme: SchemeTables, count: int, seed: int = SEED) -> pa.Table:
    """Seeded random cases: principal, 0–7 secondaries and 0–3 procedures from the scheme's own codes."""
    random = np.random.default_rng(seed)
    dx_codes, px_codes = _codes(scheme)
    return pa.table(
        {
            "sex": pa.array(random.integers(1, 3, count), pa.int8()),
            "age": pa.array(random.integers(1, 95, count), pa.int16()),
            "los": pa.array(random.integers(1, 40, count), pa.int32()),
            "dx": _lists(random, dx_codes, random.integers(1, 9, count)),
            "px": _lists(random, px_codes, random.integers(0, 4, count)),
        },
    )


def hostile_cases(scheme: SchemeTables, count: int, seed: int = SEED) -> pa.Table:
    """Random cases of every kind: missing and impossible values, newborns, unknown codes, code maps, empty lists."""
    random = np.random.default_rng(seed)
    dx_codes, px_codes = _codes(scheme)
    dx_codes = [*dx_codes, *sorted(set(scheme.dx_map) - set(dx_codes)), "", "no such code"]
    px_codes = [*px_codes, *sorted(set(scheme.px_map) - set(px_codes)), "no such code"]
    marks = sorted({atom.number for mdc in scheme.mdcs for step in mdc.steps for atom in _numbers(step)})
    near = [value for mark in marks for value in (mark - 1, mark, mark + 1)]

    def gaps(share: float) -> Any:
        return random.random(count) < share

    def numbers(usual: list[float], missing: float) -> pa.Array:
        return pa.array(random.choice(np.array([*usual, *near], np.float64), count), mask=gaps(missing))

    def texts(values: list[str], missing: float) -> pa.Array:
        return pa.array(random.choice(values, count), mask=gaps(missing))

    columns = {
        "sex": pa.array(random.choice([0, 1, 1, 1, 2, 2, 2, 9], count), mask=gaps(0.02)),
        "age": numbers([0, 0, 0, 3, 30, 50, 60, 70, 80], 0.02),
        "age_days": numbers([0, 1, 5, 27, 28, 29, 200], 0.2),
        "birth_weight": numbers([0, 900, 1200, 1800, 2300, 3000], 0.3),
        "los": numbers([1, 3, 8, 20, 61], 0.05),
        "icu_hours": numbers([0, 1, 90, 200], 0.5),
        "discharge_way": texts(["1", "2", "3", "4", "5", "9"], 0.05),
        "dept": texts(["ICU", "0201", ""], 0.1),
        "code_map": pa.array(gaps(0.1).astype(np.int8)),
        "dx": _lists(random, dx_codes, random.integers(0, 7, count)),
        "px": _lists(random, px_codes, random.choice([0, 0, 1, 1, 2, 3, 4], count)),
    }
    for field in scheme.fields:
        columns[field.name] = numbers([0, 1], 0.3) if field.kind == "number" else texts(["ICU", "CCU", "x"], 0.3)
    return pa.table(columns)


def _numbers(step: Any) -> list[Any]:
    conditions = [step.when, *(leaf.when for leaf in step.leaves)]
    return [atom for condition in conditions for clause in condition for atom in clause if atom.op]


def _codes(scheme: SchemeTables) -> tuple[list[str], list[str]]:
    listed = {code for codes in scheme.dx_lists.values() for code in codes}
    dx_codes = sorted(listed | set(scheme.mcc) | set(scheme.cc) | set(scheme.sites))
    return dx_codes, sorted({code for codes in scheme.px_lists.values() for code in codes})


def _lists(random: np.random.Generator, codes: list[str], lengths: Any) -> pa.Array:
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    values = pa.DictionaryArray.from_arrays(
        pa.array(random.integers(0, len(codes), starts[-1]), pa.int32()), pa.array(codes, pa.string())
    )
    return pa.ListArray.from_arrays(pa.array(starts), values)
