"""The causes of a home 亏损原因: a closed month of a hospital, department or group against its base."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.errors import TongpinError
from tongpin.grouping.library import open_scheme
from tongpin.measures.populations import discharged_cases, paid_by_group, settled_cases
from tongpin.payment.month.closed import area_of, closed_manifest, closed_months
from tongpin.payment.month.statement_columns import DRG, method_of_manifest, synthetic_notice
from tongpin.payment.policy.library import policy_at_close, policy_named
from tongpin.records.intake.load import CASES, INSTITUTIONS, read_loaded
from tongpin.twin.advice import Suggestion, checked
from tongpin.twin.basis import department_labels
from tongpin.twin.causes.breakdown import Piece, pieces
from tongpin.twin.causes.catalogue import setting
from tongpin.twin.causes.decompose import count_cases, take_apart, with_coding
from tongpin.twin.causes.dictionary import OPERATED, OTHER_GROUP, SURGERY, suggested
from tongpin.twin.causes.parts import PART_IDS
from tongpin.twin.causes.regroup import regroup

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tongpin.base.findings import Finding
    from tongpin.grouping.tables.model import SchemeTables
    from tongpin.payment.policy.policy import Policy
    from tongpin.store.home import Home
    from tongpin.twin.causes.decompose import Counted
    from tongpin.twin.causes.dictionary import Suggested

YEAR, LEVEL, REGION = "year", "level", "region"
BASES: dict[str, str] = {YEAR: "上年同月", LEVEL: "同级其他机构同月", REGION: "全区域其他机构同月"}
FIRST_DX = "first_dx"


@dataclass(frozen=True)
class Wanted:
    """What is asked for: month, area, hospital (code or name), department (code or name), group, base."""

    month: str
    area: str | None = None
    hospital: str | None = None
    dept: str | None = None
    group: str | None = None
    base: str | None = None


@dataclass(frozen=True)
class Labels:
    """Names of institutions, departments and groups."""

    institutions: Mapping[str, str]
    groups: Mapping[str, str]

    def institution(self, code: str) -> str:
        """The institution by name, else its code."""
        return self.institutions.get(code) or code

    def dept(self, code: str) -> str:
        """The department by name, with its code."""
        if not code:
            return "未填科别"
        name = department_labels().get(code)
        return f"{code} {name}" if name else f"科别 {code}"

    def group(self, drg: str) -> str:
        """The group with its name."""
        return f"{drg} {self.groups.get(drg, '')}".strip()


@dataclass(frozen=True)
class CausesReport:
    """A result taken apart: `total` (counts, base, parts, result in fen), `groups` and `slices` by row, their causes.

    `slices`: one level below the scope (`slice_column` institution_code or dept; none for a group). `diagnoses`,
    `doctors`: pieces of the groups that lose most, or of the one asked for. `notes`: basis and what was not possible.
    """

    wanted: Wanted
    area: str
    area_label: str
    scope: str
    base: str
    base_label: str
    total: Mapping[str, int]
    groups: pa.Table
    slice_column: str
    slices: pa.Table
    diagnoses: Mapping[str, tuple[Piece, ...]]
    doctors: Mapping[str, tuple[Piece, ...]]
    causes: tuple[Suggested, ...]
    refused: tuple[Finding, ...]
    labels: Labels
    notices: tuple[str, ...]
    notes: tuple[str, ...]


def causes_in_home(home: Home, wanted: Wanted, *, right: Mapping[str, str] | None = None) -> CausesReport:
    """The result of a closed month against its base, taken apart, with the causes that its figures suggest.

    `right`: groups that a review found right, by list (`read_regrouped`). Raises StoreError `settle.open`,
    TongpinError `causes.base` (no such base), `causes.scope` (no such hospital, department or group), `causes.method`
    (a month paid by points of diseases). Source: S002-22..25, S002-27, S000-26.
    """
    month_cases = read_month(home, wanted)
    scope = month_cases.scoped(month_cases.now)
    labels = month_cases.labels
    if not month_cases.of_group(scope).num_rows:
        raise TongpinError(
            "causes.scope",
            f"{month_cases.scope_label(labels)} 在 {wanted.month} 没有按病组付费的清单",
            where=wanted.month,
            hint="核对机构、科室与病组的代码；观察点按项目付费，没有病组盈亏",
        )
    base, base_cases = month_cases.base()
    notes: list[str] = []
    reviewed = regroup(scope, right, month_cases.weights(home)) if right else None
    if reviewed is None:
        notes.append("没有给出复核后的病组，“编码”一项为 0，不等于编码没有问题")
    else:
        notes.append(
            f"复核病组：{reviewed.found} 份清单在本范围内，{reviewed.moved} 份改了病组，"
            f"{reviewed.repriced} 份按标准改了金额"
        )
    correct = month_cases.of_group(scope if reviewed is None else reviewed.cases)
    paid = month_cases.of_group(scope)
    base_cases = month_cases.of_group(base_cases)
    as_means = base != YEAR

    def apart(by: Sequence[str], base_by: Sequence[str]) -> tuple[pa.Table, Counted]:
        counted_base = count_cases(base_cases, base_by)
        found = take_apart(count_cases(correct, by), counted_base, by, base_by=base_by, as_means=as_means)
        return with_coding(found, count_cases(paid, by), by), counted_base

    groups, counted_base = apart((), ())
    slice_column = "" if wanted.group else "institution_code" if wanted.hospital is None else "dept"
    if wanted.hospital and wanted.dept:
        slice_column = ""
    slices = pa.table({})
    if slice_column:
        shared = (slice_column,) if base == YEAR or slice_column == "dept" else ()
        slices = summed_by(apart((slice_column,), shared)[0], slice_column)
        # What only the base treats is no slice of this scope once the base is scaled to it.
        slices = slices.filter(pc.or_(pc.greater(slices["case_count"], 0), pc.not_equal(slices["base_fen"], 0)))
    total = {name: int(pc.sum(groups[name]).as_py() or 0) for name in groups.column_names if name != "drg"}
    shown = _shown_groups(groups, wanted)
    whole = month_cases.detailed(home, month_cases.of_group(month_cases.now))
    detailed = month_cases.scoped(whole)
    base_of = {row["drg"]: row for row in counted_base.every.to_pylist()}
    judged = [(one, checked([_as_advice(one)])) for one in month_cases.suggested(whole, _parts_by_group(groups))]
    return CausesReport(
        wanted=wanted,
        area=month_cases.area,
        area_label=month_cases.manifest["area_label"],
        scope=month_cases.scope_label(labels),
        base=base,
        base_label=month_cases.base_words(base),
        total=total,
        groups=groups,
        slice_column=slice_column,
        slices=slices,
        diagnoses={drg: _pieces(detailed, drg, FIRST_DX, base_of) for drg in shown},
        doctors={drg: _pieces(detailed, drg, "doctor_code", base_of) for drg in shown},
        causes=tuple(one for one, passed in judged if passed.allowed),
        refused=tuple(finding for _, passed in judged for finding in passed.refused),
        labels=labels,
        notices=(*synthetic_notice(home), *_simulated(month_cases)),
        notes=(*notes, *month_cases.notes(base, slice_column)),
    )


def summed_by(found: pa.Table, column: str) -> pa.Table:
    """A decomposition by slice and group as one row a slice."""
    names = [name for name in found.column_names if name not in {column, "drg"}]
    summed = found.group_by([column]).aggregate([(name, "sum") for name in names])
    renamed = summed.rename_columns([name.removesuffix("_sum") for name in summed.column_names])
    return renamed.select([column, *names]).sort_by([(column, "ascending")])


@dataclass(frozen=True)
class MonthCases:
    """The lists of a closed month paid by their group, those of its year before, and what they are read with."""

    wanted: Wanted
    area: str
    manifest: Mapping[str, Any]
    now: pa.Table
    before: pa.Table | None
    hospital: str | None
    dept: str | None
    level: str | None
    policy: Policy
    scheme: SchemeTables
    labels: Labels

    def weights(self, home: Home) -> dict[str, int]:
        """Weights of the edition that the month was closed with; PolicyError `policy.changed` when it has changed."""
        policy = policy_at_close(home, self.manifest)
        return {drg: weight.weight_e4 for drg, weight in policy.weights.items()}

    @property
    def year_before(self) -> str:
        """The month a year before."""
        return year_before(self.wanted.month)

    def scoped(self, cases: pa.Table) -> pa.Table:
        """The cases of hospital and department; the group is chosen later, once a review may have changed it."""
        if self.hospital is not None:
            cases = cases.filter(pc.equal(cases["institution_code"], self.hospital))
        if self.dept is not None:
            cases = cases.filter(pc.equal(cases["dept"], self.dept))
        return cases

    def of_group(self, cases: pa.Table) -> pa.Table:
        """The cases of the group that is asked for, or all."""
        return cases if self.wanted.group is None else cases.filter(pc.equal(cases["drg"], self.wanted.group))

    def others(self, cases: pa.Table, *, of_level: bool) -> pa.Table:
        """The cases of the other institutions, of the same level only where that is asked for."""
        others = cases.filter(pc.not_equal(cases["institution_code"], self.hospital))
        return others.filter(pc.equal(others["hospital_level"], self.level)) if of_level else others

    def suggested(self, whole: pa.Table, parts: Mapping[str, Mapping[str, int]]) -> tuple[Suggested, ...]:
        """The causes of the scope, against the other institutions of its level, else against all others."""
        against = whole
        if self.hospital is not None:
            against = self.others(whole, of_level=True)
            against = against if against.num_rows else self.others(whole, of_level=False)
        return suggested(self.scoped(whole), against, parts)

    def base(self) -> tuple[str, pa.Table]:
        """The base that is asked for, or the first that there is: year before, else institutions of the same level."""
        kind = self.wanted.base
        if kind not in {None, *BASES}:
            raise TongpinError("causes.base", f"没有对照 {kind}", hint=f"可用：{'、'.join(BASES)}")
        if kind in {None, YEAR} and self.before is not None:
            cases = self.scoped(self.before)
            if cases.num_rows:
                return YEAR, cases
        if kind == YEAR or self.hospital is None:
            raise TongpinError(
                "causes.base",
                f"{self.year_before} 没有本范围的已关账清单，不能与上年同月比"
                + ("" if kind == YEAR else "；全区域不能与自己比"),
                where=self.year_before,
                hint=f"先运行 tongpin settle --month {self.year_before}；或用 --hospital 指明机构，与同级或全区域比",
            )
        of_dept = self.now if self.dept is None else self.now.filter(pc.equal(self.now["dept"], self.dept))
        for one in (LEVEL, REGION) if kind is None else (kind,):
            others = self.others(of_dept, of_level=one == LEVEL)
            if self.of_group(others).num_rows:
                return one, others
        raise TongpinError(
            "causes.base",
            f"{self.wanted.month} 没有别的{'同级' if kind == LEVEL else ''}机构收治本范围的病例",
            where=self.wanted.month,
            hint="换一个对照：--base year | level | region",
        )

    def base_words(self, base: str) -> str:
        """The base as printed."""
        if base == YEAR:
            return f"上年同月 {self.year_before}"
        who = f"其他{self.level}机构" if base == LEVEL else "全区域其他机构"
        dept = "同科室" if self.dept is not None else ""
        return f"{who}{dept} {self.wanted.month}，按其每例与构成折算到本范围的例数"

    def scope_label(self, labels: Labels) -> str:
        """What is looked at, in words."""
        parts = [labels.institution(self.hospital)] if self.hospital else [self.manifest["area_label"]]
        parts += [labels.dept(self.dept)] if self.dept is not None else []
        parts += [labels.group(self.wanted.group)] if self.wanted.group else []
        return " · ".join(parts)

    def notes(self, base: str, slice_column: str) -> tuple[str, ...]:
        """What a reader must know of the figures."""
        lines = [
            "盈亏 = DRG 应付 − 按项目应付，正数归机构；分项为正是比对照多得，为负是比对照少得，相加等于差额",
            "口径：医保DRG（本月与补传清单，不含红冲蓝补），按结算月；盈亏按费用",
        ]
        if base != YEAR:
            lines.append("对照不含本机构；“例数”一项为 0；级别、险种不同的费率之差在“价格”里")
        if slice_column:
            lines.append("逐科室、逐机构的“病例组合”是在各自之内比，不能相加成整体的；差额可以相加（上年同月为对照时）")
        return tuple(lines)

    def detailed(self, home: Home, cases: pa.Table) -> pa.Table:
        """The cases with the first diagnosis, whether there was a procedure, surgery, another group on the page."""
        codes = read_loaded(home, CASES, ["source", "institution_code", "case_id", "dx", "px"])
        codes = codes.filter(pc.equal(codes["source"], "settlement_list"))
        first = pc.list_element(_padded(codes["dx"]), 0)
        lengths = pc.fill_null(pc.list_value_length(codes["px"]), 0)
        small = pa.table(
            {
                "institution_code": codes["institution_code"],
                "case_id": codes["case_id"],
                FIRST_DX: pc.fill_null(pc.cast(first, pa.string()), ""),
                OPERATED: pc.greater(lengths, 0),
            }
        )
        joined = cases.drop_columns(["merged_case_ids"]).join(small, keys=["institution_code", "case_id"])
        return self._with_pages(home, joined)

    def _with_pages(self, home: Home, cases: pa.Table) -> pa.Table:
        """`other_group`: the front page of the stay came into another group; null where there is none or no group.

        `surgery`: its front page has an operation with a level (chemotherapy and endoscopy codes have none); without
        that page, or where no page knows levels, any procedure counts.
        """
        day = pc.cast(cases["discharge_time"], pa.date32(), safe=False)
        months = sorted(set(pc.strftime(cases["discharge_time"], format="%Y-%m").to_pylist()) - {None})
        pages = discharged_cases(home, self.scheme, self.policy, months)
        pages = pages.filter(pc.equal(pages["status"], "grouped"))
        page_day = pc.cast(pages["discharge_time"], pa.date32(), safe=False)
        keys = ["institution_code", "record_no", "day"]
        told = pa.table(
            {"institution_code": pages["institution_code"], "record_no": pages["record_no"], "day": page_day}
            | {"page_drg": pages["drg"], "level": pc.fill_null(pages["surgery_level"].cast(pa.int64()), 0)}
        )
        graded = (pc.max(told["level"]).as_py() or 0) > 0
        told = told.group_by(keys).aggregate([("page_drg", "min"), ("page_drg", "max"), ("level", "max")])
        cases = cases.append_column("day", day).join(told, keys=keys)
        surgery = pc.greater(cases["level_max"], 0) if graded else pa.nulls(cases.num_rows, pa.bool_())
        cases = cases.append_column(SURGERY, pc.coalesce(surgery, cases[OPERATED]))
        single = pc.equal(cases["page_drg_min"], cases["page_drg_max"])
        other = pc.if_else(single, pc.not_equal(cases["page_drg_min"], cases["drg"]), pa.scalar(None, pa.bool_()))
        return cases.drop_columns(["day", "page_drg_min", "page_drg_max", "level_max"]).append_column(
            OTHER_GROUP, other
        )


def read_month(home: Home, wanted: Wanted) -> MonthCases:
    """The closed month that is asked for, with names resolved; errors as `causes_in_home`."""
    manifest = closed_manifest(home, wanted.month, wanted.area)
    area = area_of(home, wanted.area) or manifest["area"]
    if method_of_manifest(manifest) != DRG:
        raise TongpinError(
            "causes.method",
            f"{wanted.month} 按病种分值付费，这里只分解按病组付费的月份",
            where=str(home.root),
            hint="病种的盈亏看 tongpin dip ledger",
        )
    before = year_before(wanted.month)
    closed = closed_months(home, area)
    now = paid_by_group(settled_cases(home, [wanted.month], area))
    last = paid_by_group(settled_cases(home, [before], area)) if before in closed else None
    policy = policy_named(home, manifest["policy"])
    scheme = open_scheme(home, manifest["scheme"])
    names = {row["institution_code"]: row["institution_name"] for row in _named(home, now)}
    hospital = None if wanted.hospital is None else _code(wanted.hospital, names, "机构", sorted(names))
    depts = {code: department_labels().get(code, "") for code in pc.unique(now["dept"]).to_pylist()}
    dept = None if wanted.dept is None else _code(wanted.dept, depts, "科室", sorted(depts))
    of_hospital = now if hospital is None else now.filter(pc.equal(now["institution_code"], hospital))
    levels = pc.unique(of_hospital["hospital_level"]).to_pylist()
    level = levels[0] if hospital is not None and levels else None
    labels = Labels(names, scheme.drg_names)
    return MonthCases(wanted, area, manifest, now, last, hospital, dept, level, policy, scheme, labels)


def year_before(month: str) -> str:
    """The same month a year before (`2025-06` → `2024-06`)."""
    return f"{int(month[:4]) - 1}{month[4:]}"


def _named(home: Home, cases: pa.Table) -> list[dict[str, Any]]:
    """Institutions with the name of the register, else the one on their lists."""
    listed = (
        cases.select(["institution_code", "institution_name"])
        .group_by("institution_code")
        .aggregate([("institution_name", "max")])
    )
    rows = [
        {"institution_code": row["institution_code"], "institution_name": row["institution_name_max"]}
        for row in listed.to_pylist()
    ]
    registered = read_loaded(home, INSTITUTIONS, ["institution_code", "institution_name"]).to_pylist()
    return [*rows, *registered]


def _code(text: str, names: Mapping[str, str], what: str, known: Sequence[str]) -> str:
    """The code that a code or a name means; `causes.scope` when neither is there."""
    if text in names:
        return text
    found = [code for code, name in names.items() if name == text]
    if len(found) == 1:
        return found[0]
    few = "、".join([f"{code} {names[code]}".strip() for code in known][:8])
    raise TongpinError("causes.scope", f"没有{what} {text}", hint=f"可用：{few}{' 等' if len(known) > 8 else ''}")  # noqa: PLR2004


def _padded(lists: Any) -> Any:
    """Code lists as plain text lists of at least one code, so that each has a first one."""
    if isinstance(lists, pa.ChunkedArray):
        lists = lists.combine_chunks()
    if isinstance(lists, pa.ChunkedArray):
        lists = pa.concat_arrays(lists.chunks) if lists.num_chunks else pa.array([], lists.type)
    texts = pc.cast(lists, pa.list_(pa.string()))
    empty = pc.fill_null(pc.equal(pc.list_value_length(texts), 0), True)
    return pc.if_else(empty, pa.scalar([""], pa.list_(pa.string())), texts)


def _parts_by_group(groups: pa.Table) -> dict[str, dict[str, int]]:
    return {row["drg"]: {name: row[name] for name in PART_IDS} for row in groups.to_pylist()}


def _shown_groups(groups: pa.Table, wanted: Wanted) -> list[str]:
    if wanted.group is not None:
        return [wanted.group]
    rows = [row for row in groups.to_pylist() if row["case_count"] >= setting("compare.minimum_cases")]
    rows.sort(key=lambda row: (row["result_fen"] - row["base_fen"], row["drg"]))
    return [row["drg"] for row in rows[: setting("compare.shown_groups")] if row["result_fen"] < row["base_fen"]]


def _pieces(cases: pa.Table, drg: str, by: str, base_of: Mapping[str, Mapping[str, int]]) -> tuple[Piece, ...]:
    base = base_of.get(drg, {})
    return pieces(cases.filter(pc.equal(cases["drg"], drg)), by, base.get("result_fen", 0), base.get("case_count", 0))


def _as_advice(one: Suggested) -> Suggestion:
    """What a cause advises, as the filter of all advice judges it."""
    return Suggestion(
        text=one.cause.next_step,
        kind=one.cause.kind,
        audience=one.cause.audience,
        subject=one.drg,
        amount_fen=one.amount_fen,
        evidence=tuple(case.case_id for case in one.cases),
        risk=one.cause.risk,
    )


def _simulated(month: MonthCases) -> tuple[str, ...]:
    assumed = len(month.manifest["assumed"])
    told = [f"模拟：付费办法有 {assumed} 项取值没有文件确认"] if assumed else []
    told.append("模拟：住院日带动费用的份额、原因字典的界值没有文件确认，列在“口径”")
    return tuple(told)
