"""Routes 付费办法的选用: which edition pays a case, by scheme key and date (S908-02, S900-02).

The scheme key is (insured region or place of treatment, hospital, insurance, care type, date), not the hospital: DRG
and DIP, city and province, live side by side in one hospital and one run. The table is data: `routes.csv`.
"""

from __future__ import annotations

import csv
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple, cast, get_args

import numpy as np
import pyarrow as pa

from tongpin.base.errors import PolicyError
from tongpin.base.findings import Finding
from tongpin.payment.policy.library import policy_folders, shipped_policies
from tongpin.payment.policy.lookup import Coded, coded
from tongpin.payment.policy.period import case_days
from tongpin.payment.policy.vocabulary import Basis

if TYPE_CHECKING:
    from pathlib import Path

    from tongpin.store.home import Home

ROUTES_FILE = "routes.csv"
KEY = {
    "insured_region": "参保地",
    "treatment_region": "就医地",
    "institution_code": "机构",
    "insurance": "险种",
    "care_type": "就医类别",
}
"""The columns of a case that a row may name, with their Chinese labels."""

COLUMNS = (*KEY, "date_by", "from", "until", "edition", "assumed", "note")
LABELS = {
    **KEY,
    "date_by": "按哪个日期",
    "from": "从",
    "until": "至",
    "edition": "付费办法",
    "assumed": "依据",
    "note": "说明",
}
ANY = "*"


class Route(NamedTuple):
    """One row: the patterns of the scheme key, the days it holds by one date of the case, the edition that pays.

    A pattern is a value, a beginning with `*` (`6210*`) or `*` alone; the narrower pattern is the more specific.
    """

    line: int
    patterns: tuple[str, ...]
    date_by: Basis
    since: date
    until: date | None
    edition: str
    assumed: bool
    note: str

    def fits(self, values: tuple[str, ...], day: date) -> bool:
        """Whether the row pays a case of this key on this day."""
        held = self.since <= day and (self.until is None or day <= self.until)
        return held and all(_fits(pattern, value) for pattern, value in zip(self.patterns, values, strict=True))

    @property
    def narrowness(self) -> tuple[int, ...]:
        """How narrow each pattern is: `*` 0, a beginning by its length, a whole value beyond every beginning."""
        return tuple(len(p) - 1 if p.endswith(ANY) else len(p) + 1 for p in self.patterns)


class Routed(NamedTuple):
    """What the table says about cases: `edition_id` for each (null where refused), and the refusals."""

    edition_id: pa.Array
    findings: tuple[Finding, ...]

    def by_edition(self, cases: pa.Table) -> dict[str, pa.Table]:
        """The cases that each edition pays, in the order of the table; refused cases are in none."""
        codes = coded(self.edition_id)
        return {
            name: cases.take(pa.array(np.flatnonzero(codes.codes == code)))
            for code, name in sorted(enumerate(codes.values), key=lambda pair: pair[1])
            if name
        }


def own_routes(home: Home) -> tuple[Route, ...]:
    """The routes of a home (`HOME/policies/routes.csv`), none where it has no table.

    Raises PolicyError `policy.routes` for a faulty row, an edition that is not at hand, or rows that repeat each other.
    """
    path = home.policies / ROUTES_FILE
    return _at_hand(home, path) if path.exists() else ()


def open_routes(home: Home) -> tuple[Route, ...]:
    """The routes of a home, else those of the shipped demonstration; raises as `own_routes`."""
    return own_routes(home) or _at_hand(home, shipped_policies() / ROUTES_FILE)


def _at_hand(home: Home, path: Path) -> tuple[Route, ...]:
    routes = load_routes(path)
    folders = policy_folders(home)
    for one in routes:
        if one.edition not in folders:
            raise _refused(path, one.line, f"没有付费办法 {one.edition}", f"已有：{'、'.join(folders)}")
    return routes


def load_routes(path: Path) -> tuple[Route, ...]:
    """The rows of a `routes.csv`; PolicyError `policy.routes` names file, line, reason and mend."""
    try:
        rows = csv.DictReader(path.read_text(encoding="utf-8-sig").splitlines())
    except (OSError, UnicodeDecodeError):
        raise _refused(path, 0, "选用表不存在或不是 UTF-8 编码", "补上该文件，用 UTF-8 保存") from None
    if tuple(rows.fieldnames or ()) != COLUMNS:
        raise _refused(path, 1, "表头不对", f"表头应为 {','.join(COLUMNS)}")
    routes = tuple(_route(path, line, row) for line, row in enumerate(rows, start=2))
    if not routes:
        raise _refused(path, 2, "选用表没有一行", "至少写一行；全部清单由一个办法付费的各项写 *")
    for index, one in enumerate(routes):
        for other in routes[index + 1 :]:
            if one.patterns == other.patterns and one.date_by == other.date_by and _overlap(one, other):
                hint = "给前一行写 until，或改后一行的 from"
                raise _refused(path, other.line, f"与第 {one.line} 行条件相同，日期重叠", hint)
    return routes


def _route(path: Path, line: int, row: dict[str, Any]) -> Route:
    if None in row or None in row.values():
        raise _refused(path, line, "列数不对", f"每行 {len(COLUMNS)} 列")
    patterns = tuple(row[name].strip() for name in KEY)
    for name, pattern in zip(KEY, patterns, strict=True):
        if not pattern or ANY in pattern[:-1]:
            raise _refused(path, line, f"{name}“{pattern}”不对", "写一个取值、开头加 *（如 6210*），或只写 *")
    if row["date_by"] not in get_args(Basis):
        raise _refused(path, line, f"date_by“{row['date_by']}”不对", f"应为 {'、'.join(get_args(Basis))} 之一")
    if row["assumed"] not in {"0", "1"}:
        raise _refused(path, line, f"assumed“{row['assumed']}”不对", "没有文件确认写 1，有文件写 0 并在 note 写明")
    try:
        since = date.fromisoformat(row["from"])
        until = date.fromisoformat(row["until"]) if row["until"] else None
    except ValueError:
        raise _refused(path, line, "日期不对", "from 与 until 写成 2025-01-01；until 可空") from None
    if until is not None and until < since:
        raise _refused(path, line, f"until {until} 早于 from {since}", "改正日期")
    if not row["edition"].strip():
        raise _refused(path, line, "没有写付费办法", "edition 写 统筹区/版本")
    basis = cast("Basis", row["date_by"])
    return Route(line, patterns, basis, since, until, row["edition"].strip(), row["assumed"] == "1", row["note"])


def route(cases: pa.Table, routes: tuple[Route, ...]) -> Routed:
    """The edition that pays each case: of the rows that fit, the one at least as narrow as every other.

    `cases`: the case table; a column of the scheme key that it lacks fits `*` only. A case that no row fits
    (`policy.route.none`) or that two rows fit without one being the narrower (`policy.route.tie`) is refused: one
    finding a kind of case, with the number of cases and an example. Each distinct key and day is looked up once.
    """
    days = {basis: case_days(cases, basis) for basis in sorted({one.date_by for one in routes})}
    ends = {one.until + timedelta(days=1) for one in routes if one.until}
    breaks = np.array(sorted({one.since for one in routes} | ends), dtype="datetime64[D]")
    dimensions = [_dimension(cases, name) for name in KEY]
    key = np.zeros(cases.num_rows, dtype=np.int64)
    for codes, values in dimensions:
        key = key * max(len(values), 1) + codes
    for day in days.values():
        key = key * (len(breaks) + 1) + np.searchsorted(breaks, day, side="right")
    _, first, inverse, counts = np.unique(key, return_index=True, return_inverse=True, return_counts=True)

    chosen: list[str | None] = []
    findings: list[Finding] = []
    for row, count in zip(first.tolist(), counts.tolist(), strict=True):
        texts = tuple(one.values[one.codes[row]] for one in dimensions)
        on = {basis: column[row].item() for basis, column in days.items()}
        fitting = [one for one in routes if one.fits(texts, on[one.date_by])]
        winners = [one for one in fitting if all(_at_least(one, other) for other in fitting)]
        chosen.append(winners[0].edition if winners else None)
        if not winners:
            example = f"共 {count} 例，例如病例 {cases['case_id'][row].as_py()}"
            findings.append(_refusal(texts, on, fitting, example))
    editions = pa.array(chosen, pa.string()).take(pa.array(inverse))
    return Routed(editions, tuple(findings))


def check_routed(routed: Routed) -> None:
    """PolicyError `policy.route` with every refusal when some case has no edition: nothing is paid by a guess."""
    if routed.findings:
        refused = routed.edition_id.null_count
        raise PolicyError(
            "policy.route",
            f"{refused} 例选不出付费办法",
            where=ROUTES_FILE,
            hint=routed.findings[0].hint,
            findings=routed.findings,
        )


def possible_ties(routes: tuple[Route, ...]) -> list[Finding]:
    """Pairs of rows that could both fit a case without one being the narrower, and no row that decides between them."""
    written = {one.patterns for one in routes}
    found = []
    for index, one in enumerate(routes):
        for other in routes[index + 1 :]:
            both = [_narrower(a, b) for a, b in zip(one.patterns, other.patterns, strict=True)]
            decided = one.patterns != other.patterns and tuple(both) in written
            if None in both or not _overlap(one, other) or decided:
                continue
            key = "，".join(f"{label} {pattern}" for label, pattern in zip(KEY.values(), both, strict=True))
            message = f"第 {one.line} 行与第 {other.line} 行都管到这类病例，出现时拒绝"
            hint = "补一行写明两者都满足时用哪个办法"
            found.append(Finding("policy.route.tie", "warning", ROUTES_FILE, 0, "", key, message, hint, ("price",)))
    return found


def _narrower(one: str, other: str) -> str | None:
    """The pattern that fits what both fit; none when nothing does."""
    short, long = sorted((one, other), key=lambda pattern: len(pattern.removesuffix(ANY)))
    if short.endswith(ANY):
        return long if long.startswith(short[:-1]) else None
    return short if _fits(long, short) else None


def _dimension(cases: pa.Table, name: str) -> Coded:
    if name in cases.column_names:
        return coded(cases[name])
    return Coded(np.zeros(cases.num_rows, dtype=np.int64), [""])


def _refusal(values: tuple[str, ...], on: dict[Basis, date], fitting: list[Route], example: str) -> Finding:
    words = "，".join(f"{label} {value or '（空）'}" for label, value in zip(KEY.values(), values, strict=True))
    key = f"{words}，{'、'.join(str(day) for day in sorted(set(on.values())))}"
    if not fitting:
        hint = "在选用表中补一行；不按病组付费的指到按项目的付费办法"
        return Finding(
            "policy.route.none",
            "error",
            ROUTES_FILE,
            0,
            "",
            key,
            f"没有一行管到这类病例（{example}）",
            hint,
            ("price",),
        )
    lines = "、".join(str(one.line) for one in fitting)
    hint = f"补一行比第 {lines} 行都细的，写明两者都满足时用哪个办法"
    message = f"第 {lines} 行都管到这类病例，分不出哪行更细（{example}）"
    return Finding("policy.route.tie", "error", ROUTES_FILE, 0, "", key, message, hint, ("price",))


def _fits(pattern: str, value: str) -> bool:
    return value.startswith(pattern[:-1]) if pattern.endswith(ANY) else value == pattern


def _at_least(one: Route, other: Route) -> bool:
    return all(a >= b for a, b in zip(one.narrowness, other.narrowness, strict=True)) and (
        one is other or one.narrowness != other.narrowness
    )


def _overlap(one: Route, other: Route) -> bool:
    return (one.until is None or other.since <= one.until) and (other.until is None or one.since <= other.until)


def _refused(path: Path, line: int, message: str, hint: str) -> PolicyError:
    return PolicyError("policy.routes", message, where=f"{path} 第 {line} 行", hint=hint)
