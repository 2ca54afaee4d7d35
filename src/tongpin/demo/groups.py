"""The case mix of a city 病组规划: `plan/groups.csv` and a scheme folder in, arrays over groups and codes out."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from tongpin.base.errors import TongpinError
from tongpin.base.money import SCALE
from tongpin.demo.profile import GRADES
from tongpin.grouping.tables import load_scheme

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tongpin.demo.profile import Comorbidity
    from tongpin.grouping.model import Scheme

Array = npt.NDArray[Any]

PLAN = "groups.csv"
NUMBERS = (
    "share_pct",
    "weight",
    "los_days",
    "level_tertiary_a",
    "level_tertiary_b",
    "level_secondary",
    "level_primary",
    "drug_share",
    "consumable_share",
    "exam_share",
    "death_pct",
    "male_share",
    "age_low",
    "age_mode",
    "age_high",
    "surgery_level",
    "cyclic",
)
LIMITS = (
    "age_days_low",
    "age_days_high",
    "birth_weight_low",
    "birth_weight_high",
    "los_low",
    "los_high",
)
WORDS = ("drg", "dept", "season", "dx", "px", "dx_other", "basis")
LEVELS = dict(zip(GRADES, ("level_tertiary_a", "level_tertiary_b", "level_secondary", "level_primary"), strict=True))
SEASONS = ("flat", "winter", "summer", "spring")


@dataclass(frozen=True)
class Lists:
    """Lists of integers laid end to end: list `i` is `values[starts[i]:starts[i + 1]]`."""

    values: Array
    starts: Array

    @classmethod
    def of(cls, lists: Sequence[Sequence[int]]) -> Lists:
        """The lists laid end to end."""
        values = np.array([value for one in lists for value in one], dtype=np.int32)
        starts = np.concatenate([[0], np.cumsum([len(one) for one in lists])]).astype(np.int64)
        return cls(values, starts)

    def pick(self, which: Array, uniform: Array) -> Array:
        """A position in `values` for each list named in `which`; the first entry is the likeliest (1, 1/2, 1/3 …)."""
        chosen = np.empty(len(which), dtype=np.int64)
        for one in np.unique(which):
            rows = which == one
            start, stop = int(self.starts[one]), int(self.starts[one + 1])
            heights = np.cumsum(1.0 / np.arange(1, stop - start + 1))
            chosen[rows] = start + np.searchsorted(heights, uniform[rows] * heights[-1], side="right")
        return chosen


@dataclass(frozen=True)
class Groups:
    """The plan as arrays: one entry a group, code lists as indices into `dx_codes` and `px_codes`.

    `number` holds the plain columns, `limit` the optional ones (-1 = none). `principals` are the principal diagnoses of
    a group; `procedures` lists the alternatives of a group as indices into `procedure_codes`. `mcc_appeal`,
    `cc_appeal` and `common_*` weigh secondary diagnoses (rows: positions in `principals.values`).
    """

    drg: tuple[str, ...]
    dept: tuple[str, ...]
    season: tuple[str, ...]
    number: dict[str, Array]
    limit: dict[str, Array]
    dx_codes: tuple[str, ...]
    px_codes: tuple[str, ...]
    dx_names: dict[str, str]
    px_names: dict[str, str]
    principals: Lists
    others: Lists
    procedures: Lists
    procedure_codes: Lists
    mcc: Array
    mcc_appeal: Array
    cc: Array
    cc_appeal: Array
    common: Array
    common_weight: Array
    common_age: Array
    common_sex: Array
    newborn_days: int

    @property
    def suffix(self) -> Array:
        """The fourth sign of each group: 1 with MCC, 3 with CC, 5 without (7 children), 9 not split."""
        return np.array([drg[3] for drg in self.drg])

    @property
    def letter(self) -> Array:
        """The MDC letter of each group."""
        return np.array([drg[0] for drg in self.drg])

    @property
    def weight_e4(self) -> Array:
        """The planned weights in ten-thousandths."""
        weights: Array = np.rint(self.number["weight"] * SCALE).astype(np.int64)
        return weights

    def level(self, grade: str) -> Array:
        """How readily a grade treats each group (1 = as the city)."""
        return self.number[LEVELS[grade]]  # type: ignore[index]


def read_groups(scheme_folder: Path, comorbidity: Comorbidity) -> Groups:
    """The plan read against a scheme; raises `TongpinError` (`demo.plan`) where the two do not fit together."""
    text = resources.files("tongpin.demo").joinpath("plan", PLAN).read_text(encoding="utf-8")
    return parse_groups(text, load_scheme(scheme_folder), comorbidity)


def parse_groups(text: str, scheme: Scheme, comorbidity: Comorbidity) -> Groups:
    """The plan from CSV text; columns as published, every code known to the scheme, shares summing to 100."""
    reader = csv.DictReader(io.StringIO(text))
    if sorted(reader.fieldnames or []) != sorted((*NUMBERS, *LIMITS, *WORDS)):
        raise _fault(1, "表头不符", f"列应为 {'、'.join((*WORDS, *NUMBERS, *LIMITS))}")
    rows = list(reader)
    for line, row in enumerate(rows, 2):
        if None in row or None in row.values():
            raise _fault(line, "列数与表头不符", "检查逗号")
        if row["season"] not in SEASONS:
            raise _fault(line, f"不认识的 season：{row['season']!r}", f"可用：{'、'.join(SEASONS)}")
    number = {name: _column(rows, name) for name in NUMBERS}
    if round(float(number["share_pct"].sum()), 6) != 100:  # noqa: PLR2004 - percent
        raise _fault(0, f"share_pct 合计 {number['share_pct'].sum():.3f}，应为 100", "调整各组份额")
    dx_codes, px_codes = tuple(sorted(scheme.dx_names)), tuple(sorted(scheme.px_names))
    dx_index = {code: index for index, code in enumerate(dx_codes)}
    px_index = {code: index for index, code in enumerate(px_codes)}
    principals = Lists.of([_codes(row, "dx", dx_index, line) for line, row in enumerate(rows, 2)])
    alternatives, procedures = _procedures(rows, px_index)
    drg = tuple(row["drg"] for row in rows)
    secondary = _Secondary(scheme, comorbidity, drg, principals, dx_index)
    mcc, mcc_appeal = secondary.appeal(scheme.mcc, "1", "MCC")
    cc, cc_appeal = secondary.appeal(scheme.cc, "3", "CC")
    common = secondary.common()
    return Groups(
        drg=drg,
        dept=tuple(row["dept"] for row in rows),
        season=tuple(row["season"] for row in rows),
        number=number,
        limit={name: _column(rows, name) for name in LIMITS},
        dx_codes=dx_codes,
        px_codes=px_codes,
        dx_names=scheme.dx_names,
        px_names=scheme.px_names,
        principals=principals,
        others=Lists.of([_codes(row, "dx_other", dx_index, line) for line, row in enumerate(rows, 2)]),
        procedures=procedures,
        procedure_codes=alternatives,
        mcc=mcc,
        mcc_appeal=mcc_appeal,
        cc=cc,
        cc_appeal=cc_appeal,
        common=np.array([dx_index[one.code] for one in common], dtype=np.int32),
        common_weight=np.array([one.weight for one in common]),
        common_age=np.array([one.age_low for one in common]),
        common_sex=np.array([one.sex or 0 for one in common]),
        newborn_days=scheme.options.newborn_days,
    )


def _fault(line: int, message: str, hint: str) -> TongpinError:
    where = f"demo/plan/{PLAN}" + (f" 第 {line} 行" if line else "")
    return TongpinError("demo.plan", message, where=where, hint=hint)


def _column(rows: list[dict[str, str]], name: str) -> Array:
    values = []
    for line, row in enumerate(rows, 2):
        if name in LIMITS and not row[name]:
            values.append(-1.0)
            continue
        try:
            values.append(float(row[name]))
        except ValueError as error:
            raise _fault(line, f"{name} 不是数字：{row[name]!r}", "填数字") from error
    return np.array(values)


def _codes(row: dict[str, str], column: str, index: dict[str, int], line: int) -> list[int]:
    codes = row[column].split("|") if row[column] else []
    unknown = [code for code in codes if code not in index]
    if unknown or (column == "dx" and not codes):
        raise _fault(
            line, f"{row['drg']} 的 {column} 不在方案字典中：{'、'.join(unknown) or '（空）'}", "补字典或改规划"
        )
    return [index[code] for code in codes]


def _procedures(rows: list[dict[str, str]], index: dict[str, int]) -> tuple[Lists, Lists]:
    codes: list[list[int]] = []
    of_group: list[list[int]] = []
    for line, row in enumerate(rows, 2):
        alternatives = [_codes({**row, "px": one}, "px", index, line) for one in row["px"].split(";")]
        of_group.append(list(range(len(codes), len(codes) + len(alternatives))))
        codes.extend(alternatives)
    return Lists.of(codes), Lists.of(of_group)


class _Secondary:
    """Which secondary diagnoses may stand beside which principal one without changing the planned group."""

    def __init__(
        self,
        scheme: Scheme,
        comorbidity: Comorbidity,
        drg: tuple[str, ...],
        principals: Lists,
        dx_index: dict[str, int],
    ) -> None:
        self.scheme = scheme
        self.comorbidity = comorbidity
        self.drg = drg
        self.dx_index = dx_index
        self.codes = {index: code for code, index in dx_index.items()}
        self.principal_codes = [self.codes[int(index)] for index in principals.values]
        lengths = np.diff(principals.starts)
        self.group_of = np.repeat(np.arange(len(drg)), lengths)

    def appeal(self, complications: dict[str, str], suffix: str, word: str) -> tuple[Array, Array]:
        """Code indices, and log weights by principal (-inf where barred or excluded); earlier codes weigh more."""
        codes = [code for code in complications if code in self.dx_index]
        base = -np.log(np.arange(len(codes)) + 3.0)
        chapters = {letter: self._chapter(codes, letter) for letter in {drg[0] for drg in self.drg}}
        tables = np.array([complications[code] for code in codes])
        rows = []
        for principal, group in zip(self.principal_codes, self.group_of, strict=True):
            table = self.scheme.exclusion.get(principal)
            allowed = chapters[self.drg[group][0]] & (np.array(codes) != principal)
            if table is not None:
                allowed &= tables != table
            if not allowed.any() and self.drg[group][3] == suffix:
                raise TongpinError(
                    "demo.plan",
                    f"{self.drg[group]} 的主诊断 {principal} 没有可用的 {word} 伴随诊断",
                    where=f"demo/plan/{PLAN}",
                    hint="检查方案的 mcc、cc、exclusion 表，或从规划中去掉该主诊断",
                )
            rows.append(np.where(allowed, base, -np.inf))
        index = np.array([self.dx_index[code] for code in codes], dtype=np.int32)
        return index, np.array(rows, dtype=np.float32)

    def _chapter(self, codes: list[str], letter: str) -> Array:
        own = self.comorbidity.own_chapters.value.get(letter)
        if own is not None:
            return np.array([code.startswith(own) for code in codes])
        barred = self.comorbidity.barred_prefixes.value
        return np.array([not code.startswith(barred) for code in codes])

    def common(self) -> list[Any]:
        """The frequent diagnoses that the scheme knows and counts as neither MCC nor CC."""
        known = self.scheme.dx_names.keys() - self.scheme.mcc.keys() - self.scheme.cc.keys()
        common = [one for one in self.comorbidity.common.value if one.code in known]
        if not common:
            raise TongpinError(
                "demo.plan",
                "城市画像的常见伴随诊断都不在方案字典中，或都是 MCC/CC",
                where="comorbidity.common",
                hint="补方案的 icd10 表",
            )
        return common
