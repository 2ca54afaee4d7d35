"""The case mix of a city 病组规划: `plan/groups.csv` and a scheme folder in, arrays over groups and codes out."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tongpin.base.errors import TongpinError
from tongpin.base.money import SCALE
from tongpin.demo.profile import GRADES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tongpin.demo.profile import Comorbidity
    from tongpin.grouping.tables.model import SchemeTables

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
BY_CHANCE, NONE, CC, MCC = -1, 0, 1, 2
OF_SUFFIX = {"1": MCC, "3": CC, "5": NONE, "7": NONE}
"""What the fourth sign of a planned group demands of the secondary diagnoses; any other leaves it to chance."""
WORDS_OF_SEVERITY = {MCC: "MCC", CC: "CC"}


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

    @cached_property
    def _steps(self) -> Array:
        """Where each entry ends when list `i` covers the numbers from `i` to `i + 1`."""
        lengths = np.diff(self.starts)
        of_list = np.repeat(np.arange(len(lengths)), lengths)
        heights = 1.0 / (np.arange(len(self.values)) - self.starts[:-1][of_list] + 1)
        sums = np.cumsum(heights)
        before = np.concatenate([[0.0], sums])[self.starts[:-1]]
        total = np.concatenate([[0.0], sums])[self.starts[1:]] - before
        steps: Array = of_list + (sums - before[of_list]) / total[of_list]
        steps[self.starts[1:][lengths > 0] - 1] = np.flatnonzero(lengths) + 1.0
        return steps

    def pick(self, which: Array, uniform: Array) -> Array:
        """A position in `values` for each list named in `which`; the first entry is the likeliest (1, 1/2, 1/3 …)."""
        found = np.searchsorted(self._steps, which + uniform, side="right")
        positions: Array = np.minimum(found, self.starts[which + 1] - 1)
        return positions


@dataclass(frozen=True)
class Groups:
    """The plan as arrays: one entry a group, code lists as indices into `dx_codes` and `px_codes`.

    `number` holds the plain columns, `limit` the optional ones (-1 = none), `severity` what a group demands of the
    secondary diagnoses. `principals` are the principal diagnoses of
    a group; `procedures` lists the alternatives of a group as indices into `procedure_codes`. `mcc_appeal`,
    `cc_appeal` and `common_*` weigh secondary diagnoses (rows: positions in `principals.values`).
    """

    drg: tuple[str, ...]
    dept: tuple[str, ...]
    season: tuple[str, ...]
    number: dict[str, Array]
    limit: dict[str, Array]
    severity: Array
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

    @cached_property
    def dx_name_column(self) -> pa.Array:
        """The names in the order of `dx_codes`."""
        return pa.array([self.dx_names.get(code) or code for code in self.dx_codes])

    @cached_property
    def px_name_column(self) -> pa.Array:
        """The names in the order of `px_codes`."""
        return pa.array([self.px_names.get(code) or code for code in self.px_codes])

    @cached_property
    def group_of_principal(self) -> Array:
        """The group of every position in `principals.values`."""
        return np.repeat(np.arange(len(self.drg)), np.diff(self.principals.starts))

    @property
    def barren(self) -> Array:
        """Which principals have no secondary diagnosis of the severity that their group demands."""
        severity = self.severity[self.group_of_principal]
        none: Array = np.zeros(len(severity), dtype=bool)
        for demanded, appeal in ((MCC, self.mcc_appeal), (CC, self.cc_appeal)):
            none |= (severity == demanded) & ~np.isfinite(appeal).any(axis=1)
        return none

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


@dataclass(frozen=True)
class Draft:
    """A plan before its secondary diagnoses: per group its words and numbers, codes as indices into sorted codes.

    `procedures` holds alternatives, each a list of codes; `severity` is what a group demands of the secondary
    diagnoses (`BY_CHANCE, NONE, CC, MCC`).
    """

    drg: tuple[str, ...]
    dept: tuple[str, ...]
    season: tuple[str, ...]
    number: dict[str, Array]
    limit: dict[str, Array]
    severity: Array
    principals: list[list[int]]
    others: list[list[int]]
    procedures: list[list[list[int]]]


def parse_groups(text: str, scheme: SchemeTables, comorbidity: Comorbidity) -> Groups:
    """The plan from CSV text; columns as published, every code known to the scheme, shares summing to 100."""
    rows = plan_rows(text)
    number = {name: _column(rows, name) for name in NUMBERS}
    if round(float(number["share_pct"].sum()), 6) != 100:  # noqa: PLR2004 - percent
        raise _fault(0, f"share_pct 合计 {number['share_pct'].sum():.3f}，应为 100", "调整各组份额")
    dx_index, px_index = code_indices(scheme)
    lines = list(enumerate(rows, 2))
    drg = tuple(row["drg"] for row in rows)
    draft = Draft(
        drg=drg,
        dept=tuple(row["dept"] for row in rows),
        season=tuple(row["season"] for row in rows),
        number=number,
        limit={name: _column(rows, name) for name in LIMITS},
        severity=np.array([OF_SUFFIX.get(one[3], BY_CHANCE) for one in drg]),
        principals=[_codes(row, "dx", dx_index, line) for line, row in lines],
        others=[_codes(row, "dx_other", dx_index, line) for line, row in lines],
        procedures=[
            [_codes({**row, "px": one}, "px", px_index, line) for one in row["px"].split(";")] for line, row in lines
        ],
    )
    groups = assemble(draft, scheme, comorbidity)
    barren = np.flatnonzero(groups.barren)
    if len(barren):
        group = int(groups.group_of_principal[barren[0]])
        code = groups.dx_codes[int(groups.principals.values[barren[0]])]
        raise TongpinError(
            "demo.plan",
            f"{drg[group]} 的主诊断 {code} 没有可用的 {WORDS_OF_SEVERITY[int(draft.severity[group])]} 伴随诊断",
            where=f"demo/plan/{PLAN}",
            hint="检查方案的 mcc、cc、exclusion 表，或从规划中去掉该主诊断",
        )
    return groups


def plan_rows(text: str) -> list[dict[str, str]]:
    """The rows of a plan; another header, a ragged row or an unknown season is refused (`demo.plan`)."""
    reader = csv.DictReader(io.StringIO(text))
    if sorted(reader.fieldnames or []) != sorted((*NUMBERS, *LIMITS, *WORDS)):
        raise _fault(1, "表头不符", f"列应为 {'、'.join((*WORDS, *NUMBERS, *LIMITS))}")
    rows = list(reader)
    for line, row in enumerate(rows, 2):
        if None in row or None in row.values():
            raise _fault(line, "列数与表头不符", "检查逗号")
        if row["season"] not in SEASONS:
            raise _fault(line, f"不认识的 season：{row['season']!r}", f"可用：{'、'.join(SEASONS)}")
    return rows


def code_indices(scheme: SchemeTables) -> tuple[dict[str, int], dict[str, int]]:
    """The diagnoses and procedures that a scheme knows, each with its place among them in order."""
    dx, px = ({code: index for index, code in enumerate(sorted(codes))} for codes in (scheme.dx_names, scheme.px_names))
    return dx, px


def assemble(draft: Draft, scheme: SchemeTables, comorbidity: Comorbidity, most: int | None = None) -> Groups:
    """A draft with the secondary diagnoses that may stand beside its principal ones (`most`: of each kind)."""
    dx_index, px_index = code_indices(scheme)
    dx_codes, px_codes = tuple(dx_index), tuple(px_index)
    principals = Lists.of(draft.principals)
    secondary = _Secondary(scheme, comorbidity, draft.drg, principals, dx_index)
    mcc, mcc_appeal = secondary.appeal(scheme.mcc, most)
    cc, cc_appeal = secondary.appeal(scheme.cc, most)
    common = secondary.common()
    flat = [codes for alternatives in draft.procedures for codes in alternatives]
    ends = np.cumsum([0, *(len(one) for one in draft.procedures)]).tolist()
    return Groups(
        drg=draft.drg,
        dept=draft.dept,
        season=draft.season,
        number=draft.number,
        limit=draft.limit,
        severity=draft.severity,
        dx_codes=dx_codes,
        px_codes=px_codes,
        dx_names=scheme.dx_names,
        px_names=scheme.px_names,
        principals=principals,
        others=Lists.of(draft.others),
        procedures=Lists.of([list(range(start, end)) for start, end in pairwise(ends)]),
        procedure_codes=Lists.of(flat),
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


class _Secondary:
    """Which secondary diagnoses may stand beside which principal one without changing the planned group."""

    def __init__(
        self,
        scheme: SchemeTables,
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

    def appeal(self, complications: dict[str, str], most: int | None) -> tuple[Array, Array]:
        """Code indices, and log weights by principal (-inf where barred or excluded); earlier codes weigh more.

        With `most` only so many codes of each chapter rule are kept, for schemes that list thousands.
        """
        letters = {drg[0] for drg in self.drg}
        codes = [code for code in complications if code in self.dx_index]
        if most is not None:
            kept = {code for letter in letters for code in self._of_chapter(codes, letter)[:most]}
            codes = [code for code in codes if code in kept]
        base = -np.log(np.arange(len(codes)) + 3.0)
        every = np.array(codes)
        chapters = {letter: np.isin(every, self._of_chapter(codes, letter)) for letter in letters}
        tables = np.array([complications[code] for code in codes])
        rows = np.full((len(self.principal_codes), len(codes)), -np.inf, dtype=np.float32)
        for row, principal in enumerate(self.principal_codes):
            table = self.scheme.exclusion.get(principal)
            allowed = chapters[self.drg[self.group_of[row]][0]] & (every != principal)
            if table is not None:
                allowed &= tables != table
            rows[row, allowed] = base[allowed]
        return np.array([self.dx_index[code] for code in codes], dtype=np.int32), rows

    def _of_chapter(self, codes: list[str], letter: str) -> list[str]:
        """The codes that may stand beside a principal diagnosis of an MDC."""
        own = self.comorbidity.own_chapters.value.get(letter)
        if own is not None:
            return [code for code in codes if code.startswith(own)]
        barred = self.comorbidity.barred_prefixes.value
        return [code for code in codes if not code.startswith(barred)]

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
