"""Papers 纸面: every paper that pages hand out: who may have it, its job, how it is written with a mark."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field

from tongpin.base.errors import TongpinError
from tongpin.measures.evaluation.papers import write_evaluation_xlsx
from tongpin.measures.evaluation.run import evaluate_in_home
from tongpin.payment.month.statement_columns import synthetic_notice
from tongpin.twin import joint_hospital
from tongpin.twin.causes import papers as causes_papers
from tongpin.twin.causes.run import Wanted
from tongpin.twin.daily.page import daily_html
from tongpin.twin.daily.run import daily_in_home
from tongpin.twin.daily.words import short_text
from tongpin.twin.forecast.draft_papers import write_trial_xlsx
from tongpin.twin.forecast.papers import write_forecast_pdf, write_forecast_xlsx
from tongpin.twin.joint_hospital_html import write_hospital_html
from tongpin.twin.joint_hospital_xlsx import write_hospital_xlsx
from tongpin.twin.joint_html import write_joint_html
from tongpin.twin.joint_xlsx import write_joint_xlsx
from tongpin.twin.monthly.meeting import meetings_in_home
from tongpin.twin.monthly.meeting_docx import write_meeting_docx
from tongpin.twin.monthly.papers import file_stem
from tongpin.twin.monthly.report import monthly_in_home
from tongpin.twin.monthly.report_docx import write_monthly_docx
from tongpin.twin.monthly.report_xlsx import write_monthly_xlsx
from tongpin.twin.negotiation.pack_pdf import write_pack_pdf
from tongpin.twin.negotiation.pack_xlsx import write_pack_xlsx
from tongpin.twin.portfolio import frontier_papers
from tongpin.twin.portfolio import papers as portfolio_papers
from tongpin.twin.publication.bulletin import write_bulletin_pdf
from tongpin.twin.publication.directed import directed
from tongpin.twin.publication.run import publication_in_home
from tongpin.twin.publication.workbook import write_publication_xlsx
from tongpin.twin.run import joint_in_home
from tongpin.workbench.analysis.causes import causes_job, problems_job, top_job
from tongpin.workbench.analysis.computing import Job
from tongpin.workbench.analysis.forecast import (
    DraftAsked,
    ForecastAsked,
    ScenarioAsked,
    draft_job,
    forecast_job,
    trial_of_one,
)
from tongpin.workbench.analysis.measure_shapes import span_of
from tongpin.workbench.analysis.negotiation import PackAsked, Share, pack_job
from tongpin.workbench.analysis.portfolio import (
    Method,
    TrialAsked,
    hospital_job,
    plan_job,
    pyramid_job,
    trial,
)
from tongpin.workbench.today import today

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from tongpin.store.home import Home
    from tongpin.workbench.analysis.computing import Tell
    from tongpin.workbench.analysis.whose import Whose


class PaperAsked(BaseModel):
    """What a paper is asked for; each needs some of it. `kinds`: only files of these endings, all where empty."""

    model_config = ConfigDict(extra="forbid")
    kinds: list[str] = Field(default=[], max_length=4)
    month: str = Field(default="", max_length=20)
    quarter: str = Field(default="", max_length=6)
    on: date | None = None
    year: int | None = Field(default=None, ge=2000, le=2100)
    hospital: str | None = Field(default=None, max_length=64)
    dept: str | None = Field(default=None, max_length=64)
    area: str | None = Field(default=None, max_length=64)
    group: str | None = Field(default=None, max_length=64)
    base: str | None = Field(default=None, pattern="^(year|level|region)?$")
    groups: list[str] = Field(default=[], max_length=12)
    raises: list[Share] = Field(default=[], max_length=4)
    stops: dict[str, int | None] = Field(default={}, max_length=60)
    grows: dict[str, int] = Field(default={}, max_length=60)
    point: int | None = Field(default=None, ge=1, le=200)
    method: Method = "percentile"
    scenario: ScenarioAsked = ScenarioAsked()
    draft: str = Field(default="", max_length=64)

    @property
    def span(self) -> tuple[str, ...]:
        """The months that are asked for. Errors: `measures.month`."""
        return span_of(self.month)


class Context:
    """What a paper is made with: the whole home, whose it is, what is asked, the mark of who takes it."""

    def __init__(self, home: Home, whose: Whose, asked: PaperAsked, mark: str) -> None:
        self.home, self.whose, self.asked, self.mark = home, whose, asked, mark

    @property
    def area(self) -> str | None:
        """The area, None where it is not named."""
        return self.asked.area or None

    @property
    def hospital(self) -> str:
        """The hospital; TongpinError `analysis.hospital` where none is named."""
        if self.whose.hospital is None:
            raise TongpinError("analysis.hospital", "请选择一家机构", where="hospital", hint="在页面上选择医疗机构")
        return self.whose.hospital

    @property
    def on(self) -> date:
        """The day on which lists and deadlines are seen."""
        return self.asked.on or today(self.home)

    @property
    def notices(self) -> tuple[str, ...]:
        """What every paper of the home says first, the mark before all."""
        return (self.mark, *synthetic_notice(self.home))

    @property
    def wanted(self) -> Wanted:
        """What causes are asked for."""
        asked = self.asked
        return Wanted(
            asked.month, self.area, self.whose.hospital, self.whose.dept, asked.group or None, asked.base or None
        )


@dataclass(frozen=True)
class PaperKind:
    """A paper: its label, who may have it, what it asks for, the endings of its files, its job and its writer.

    `desk`: `bureau` papers name every hospital; `whole`: it is of a whole hospital or of all. `fields`: names of
    `PaperAsked` that a form shows, with `!` where they are needed.
    """

    id: str
    label: str
    note: str
    permission: str
    fields: tuple[str, ...]
    endings: tuple[str, ...]
    job: Callable[[Context], Job[Any]]
    write: Callable[[Context, Any, Path], Sequence[Path]]
    desk: str = "both"
    whole: bool = True
    listed: bool = False


def kept(context: Context, folder: Path, name: str, writers: dict[str, Callable[[Path], None]]) -> list[Path]:
    """The files of the endings that are asked for; all where none is named. TongpinError `reports.kind`."""
    wanted = [ending for ending in writers if not context.asked.kinds or ending[1:] in context.asked.kinds]
    if not wanted:
        raise TongpinError(
            "reports.kind", "没有这种文件", where="kinds", hint="、".join(ending[1:] for ending in writers)
        )
    paths = []
    for ending in wanted:
        path = folder / f"{name}{ending}"
        writers[ending](path)
        paths.append(path)
    return paths


def _joint_job(context: Context) -> Job[Any]:
    month, area, hospital = context.asked.month, context.area, context.whose.hospital

    def work(tell: Tell) -> Any:
        tell("联合报告：结算与考核同源计算")
        report = joint_in_home(context.home, month, area, hospital)
        return report if hospital is None else joint_hospital.hospital_joint(report, hospital)

    return Job(("joint", month, area, hospital), work)


def _joint(context: Context, found: Any, folder: Path) -> list[Path]:
    month, hospital = context.asked.month, context.whose.hospital
    report = found if hospital is None else found.joint
    basis = report.basis.model_copy(update={"notices": (context.mark, *report.basis.notices)})
    marked = replace(report, basis=basis)
    if hospital is None:
        writers = {
            ".html": lambda path: write_joint_html(marked, path),
            ".xlsx": lambda path: write_joint_xlsx(marked, path),
        }
        return kept(context, folder, f"联合报告-{month}", writers)
    own = replace(found, joint=marked)
    writers = {
        ".html": lambda path: write_hospital_html(own, path),
        ".xlsx": lambda path: write_hospital_xlsx(own, path),
    }
    return kept(context, folder, f"联合报告-{own.name}-{month}", writers)


def _meeting_job(context: Context) -> Job[Any]:
    month, hospital, dept, on, area = (
        context.asked.month,
        context.hospital,
        context.whose.dept,
        context.on,
        context.area,
    )

    def work(tell: Tell) -> Any:
        tell("各科室的变化、盈亏病组与要看的病例")
        return meetings_in_home(context.home, month, hospital, on, dept, area)

    return Job(("meeting", month, hospital, dept, on, area), work)


def _meeting(context: Context, found: Any, folder: Path) -> list[Path]:
    paths = []
    for one in found:
        path = folder / f"{file_stem('科室例会', one.hospital_name, one.dept_label, one.month)}.docx"
        write_meeting_docx(replace(one, notices=(context.mark, *one.notices)), path)
        paths.append(path)
    return paths


def _monthly_job(context: Context) -> Job[Any]:
    month, hospital, dept, on, area = (
        context.asked.month,
        context.hospital,
        context.whose.dept,
        context.on,
        context.area,
    )

    def work(tell: Tell) -> Any:
        tell("汇总本月两侧")
        return monthly_in_home(context.home, month, hospital, on, dept, area)

    return Job(("monthly", month, hospital, dept, on, area), work)


def _monthly(context: Context, found: Any, folder: Path) -> list[Path]:
    report = replace(found, notices=(context.mark, *found.notices))
    what = "医院月报" if report.dept is None else "科室月报"
    writers = {
        ".docx": lambda path: write_monthly_docx(report, path),
        ".xlsx": lambda path: write_monthly_xlsx(report, path),
    }
    return kept(context, folder, file_stem(what, report.hospital_name, report.dept_label, report.month), writers)


def _daily_job(context: Context) -> Job[Any]:
    hospital, on, area = context.hospital, context.on, context.area

    def work(tell: Tell) -> Any:
        tell("昨日出院、在院超标准、退回与期限")
        return daily_in_home(context.home, hospital, on, area)

    return Job(("daily", hospital, on, area), work)


def _daily(context: Context, found: Any, folder: Path) -> list[Path]:
    report = replace(found, notices=(context.mark, *found.notices))
    writers = {
        ".html": lambda path: path.write_text(daily_html(report), encoding="utf-8"),
        ".txt": lambda path: path.write_text(f"{short_text(report)}\n{context.mark}\n", encoding="utf-8"),
    }
    return kept(context, folder, f"院长日报-{found.hospital_name}-{found.on}", writers)


def _publication_job(context: Context) -> Job[Any]:
    month, quarter, area, on = context.asked.month, context.asked.quarter, context.area, context.asked.on
    if bool(month) == bool(quarter):
        raise TongpinError("publication.period", "写一个期间：月份或季度", where="month", hint="2025-06 或 2025Q2")

    def work(tell: Tell) -> Any:
        tell("统计各机构、级别与区县")
        return publication_in_home(context.home, month=month, quarter=quarter, area=area, on=on)

    return Job(("publication", month, quarter, area, on), work)


def _publication(context: Context, found: Any, folder: Path) -> list[Path]:
    marked = replace(found, notes=(context.mark, *found.notes))
    code = context.whose.hospital
    receiver = None if code is None else directed(marked, code, context.home.patient_key())
    kind = "季分析通报" if found.is_quarter else "月统计公布"
    writers: dict[str, Callable[[Path], None]] = {".xlsx": lambda path: write_publication_xlsx(marked, path, receiver)}
    if found.is_quarter:
        writers[".pdf"] = lambda path: write_bulletin_pdf(marked, path, receiver)
    return kept(context, folder, f"{kind}-{found.period}{f'-{receiver.name}' if receiver else ''}", writers)


def _evaluation_job(context: Context) -> Job[Any]:
    span, area, on = context.asked.span, context.area, context.asked.on

    def work(tell: Tell) -> Any:
        tell("同类之内评价各机构")
        return evaluate_in_home(context.home, span, area, on=on)

    return Job(("evaluation", span, area, on), work)


def _evaluation(context: Context, found: Any, folder: Path) -> list[Path]:
    report = replace(found, notes=(context.mark, *found.notes))
    writers = {".xlsx": lambda path: write_evaluation_xlsx(report, path)}
    return kept(context, folder, f"绩效评价-{context.asked.month}", writers)


def _causes(context: Context, found: Any, folder: Path) -> list[Path]:
    report = replace(found, notices=(context.mark, *found.notices))
    writers = {
        ".xlsx": lambda path: causes_papers.write_causes_xlsx(report, path),
        ".pdf": lambda path: causes_papers.write_causes_pdf(report, path),
    }
    return kept(context, folder, _stem("盈亏原因", found.wanted), writers)


def _top(context: Context, found: Any, folder: Path) -> list[Path]:
    report = replace(found, notices=(context.mark, *found.notices))
    writers = {".xlsx": lambda path: causes_papers.write_top_xlsx(report, path)}
    return kept(context, folder, _stem("前列病组", found.wanted), writers)


def _problems(context: Context, found: Any, folder: Path) -> list[Path]:
    report = replace(found, notices=(context.mark, *found.notices))
    writers = {".xlsx": lambda path: causes_papers.write_problems_xlsx(report, path)}
    return kept(context, folder, _stem("双问题清单", found.wanted), writers)


def _stem(what: str, wanted: Wanted) -> str:
    parts = [what, wanted.hospital, wanted.dept, wanted.group, wanted.month]
    return "-".join(part.replace("/", "_") for part in parts if part)


def _pyramid(context: Context, found: Any, folder: Path) -> list[Path]:
    bare, name, pyramid = found
    period = replace(bare, notices=(context.mark, *bare.notices))
    writers = {
        ".xlsx": lambda path: portfolio_papers.write_pyramid_xlsx(period, name, pyramid, path),
        ".pdf": lambda path: portfolio_papers.write_pyramid_pdf(period, name, pyramid, path),
    }
    return kept(context, folder, f"病组组合-{name}-{period.label}", writers)


def _marked_hospital(context: Context, found: Any) -> Any:
    return replace(found, period=replace(found.period, notices=(context.mark, *found.period.notices)))


def _trial(context: Context, found: Any, folder: Path) -> list[Path]:
    asked = TrialAsked(months=context.asked.month, stops=context.asked.stops, grows=context.asked.grows)
    hospital = _marked_hospital(context, found)
    result, lines, refused = trial(hospital, asked)
    said = [*lines, *(f"不得作为建议：{one.message}" for one in refused)]
    writers = {".xlsx": lambda path: portfolio_papers.write_what_if_xlsx(hospital, result, said, path)}
    return kept(context, folder, f"病组试算-{found.name}-{found.period.label}", writers)


def _frontier(context: Context, found: Any, folder: Path) -> list[Path]:
    plan = replace(found, hospital=_marked_hospital(context, found.hospital))
    writers = {
        ".xlsx": lambda path: frontier_papers.write_frontier_xlsx(plan, path),
        ".pdf": lambda path: frontier_papers.write_frontier_pdf(plan, path),
    }
    return kept(context, folder, f"结余与绩效前沿-{plan.hospital.name}-{plan.hospital.period.label}", writers)


def _forecast_job(context: Context) -> Job[Any]:
    year = context.asked.year
    if year is None:
        raise TongpinError("forecast.year", "请选择年度", where="year", hint="写有关账月份的一年")
    asked = ForecastAsked(year=year, area=context.area, scenario=context.asked.scenario)
    return forecast_job(context.home, asked, context.whose.hospital)


def _forecast(context: Context, found: Any, folder: Path) -> list[Path]:
    one = found.hospital
    codes = None if one is None else one.hospital.codes
    writers: dict[str, Callable[[Path], None]] = {
        ".xlsx": lambda path: write_forecast_xlsx(found, path, context.notices, codes)
    }
    if one is not None:
        writers[".pdf"] = lambda path: write_forecast_pdf(found, path, context.notices)
    return kept(context, folder, f"年末预测-{one.hospital.name if one else found.area}-{found.year}", writers)


def _draft(context: Context, found: Any, folder: Path) -> list[Path]:
    own = trial_of_one(found, context.whose.hospital)
    writers = {".xlsx": lambda path: write_trial_xlsx(own, path, context.notices)}
    return kept(context, folder, f"政策回测-{found.new.id.replace('/', '-')}", writers)


def _draft_job(context: Context) -> Job[Any]:
    asked = context.asked
    wanted = DraftAsked(draft=asked.draft or "-", months=asked.month, on=context.on, area=context.area)
    return draft_job(context.home, wanted)


def _pack_job(context: Context) -> Job[Any]:
    asked = context.asked
    pack = PackAsked(groups=asked.groups or ["-"], months=asked.month, raises=asked.raises, area=context.area)
    return pack_job(context.home, pack, context.hospital)


def _pack(context: Context, found: Any, folder: Path) -> list[Path]:
    writers = {
        ".pdf": lambda path: write_pack_pdf(found, path, context.notices),
        ".xlsx": lambda path: write_pack_xlsx(found, path, context.notices),
    }
    return kept(context, folder, f"谈判材料-{found.hospital_name}-{'、'.join(context.asked.groups[:3])}", writers)


def _hospital_job(context: Context) -> Job[Any]:
    return hospital_job(context.home, context.asked.span, context.area, context.hospital, context.asked.method)


def _plan_job(context: Context) -> Job[Any]:
    asked = context.asked
    return plan_job(context.home, asked.span, context.area, context.hospital, asked.point, asked.method)


PAPERS: dict[str, PaperKind] = {
    one.id: one
    for one in (
        PaperKind(
            "joint", "联合报告", "医保结算与绩效考核同源同表：红线、双问题、病组、变动来源",
            "measures.read", ("month!", "hospital"), (".html", ".xlsx"), _joint_job, _joint, listed=True,
        ),
        PaperKind(
            "monthly", "医院与科室月报", "一个月两侧的账：环比、同比、同级，未了清单",
            "measures.read", ("month!", "hospital!", "dept"), (".docx", ".xlsx"), _monthly_job, _monthly,
            whole=False, listed=True,
        ),
        PaperKind(
            "meeting", "科室例会材料", "每科一页：三个变了的数、盈亏病组、五份要看的病例；不选科室为全部科室",
            "measures.read", ("month!", "hospital!", "dept"), (".docx",), _meeting_job, _meeting,
            whole=False, listed=True,
        ),
        PaperKind(
            "daily", "院长日报", "昨日出院、在院超标准、退回、预计月结、单议候选",
            "cockpit.read", ("on", "hospital!"), (".html", ".txt"), _daily_job, _daily, listed=True,
        ),
        PaperKind(
            "publication", "数据公布", "月统计公布或季分析通报；选机构为定向的一份，同级名称隐去",
            "publication.read", ("month", "quarter", "hospital"), (".xlsx", ".pdf"), _publication_job, _publication,
            listed=True,
        ),
        PaperKind(
            "evaluation", "绩效评价", "各机构在同类之内的得分与区间",
            "measures.read", ("month!",), (".xlsx",), _evaluation_job, _evaluation, desk="bureau", listed=True,
        ),
        PaperKind(
            "causes", "盈亏原因", "瀑布、各病组、诊断与医师、原因与病例",
            "causes.read", ("month!", "hospital", "dept", "group", "base"), (".xlsx", ".pdf"),
            lambda context: causes_job(context.home, context.wanted), _causes, whole=False,
        ),
        PaperKind(
            "top", "前列病组", "各科室前五十病组核算", "causes.read", ("month!", "hospital", "dept"), (".xlsx",),
            lambda context: top_job(context.home, context.wanted), _top, whole=False,
        ),
        PaperKind(
            "problems", "双问题清单", "双问题科室、待核的合并症填报", "causes.read", ("month!", "hospital", "dept"),
            (".xlsx",), lambda context: problems_job(context.home, context.wanted), _problems, whole=False,
        ),
        PaperKind(
            "pyramid", "病组组合", "金字塔、病组、逐月", "portfolio.read", ("month!", "hospital"), (".xlsx", ".pdf"),
            lambda context: pyramid_job(context.home, context.asked.span, context.area, context.whose.hospital),
            _pyramid,
        ),
        PaperKind(
            "trial", "病组试算", "增减之前与之后", "portfolio.read", ("month!", "hospital!"), (".xlsx",),
            _hospital_job, _trial,
        ),
        PaperKind(
            "frontier", "结余与绩效前沿", "各点与安排", "portfolio.read", ("month!", "hospital!", "point"),
            (".xlsx", ".pdf"), _plan_job, _frontier,
        ),
        PaperKind(
            "forecast", "年末预测", "清算结果与国考指标", "forecast.read", ("year!", "hospital"), (".xlsx", ".pdf"),
            _forecast_job, _forecast,
        ),
        PaperKind(
            "draft", "政策回测", "草案用在过去的病例上", "forecast.read", ("month!", "draft!", "hospital"), (".xlsx",),
            _draft_job, _draft,
        ),
        PaperKind(
            "negotiation", "谈判材料", "请求、证据、基金影响", "portfolio.read", ("groups!", "hospital!"),
            (".pdf", ".xlsx"), _pack_job, _pack,
        ),
    )
}  # fmt: skip
"""Every paper by id; `listed` ones stand on the page of reports, the others on the pages of their figures."""


def paper(name: str) -> PaperKind:
    """A paper; TongpinError `reports.missing` when there is none of that id."""
    if name not in PAPERS:
        raise TongpinError("reports.missing", f"没有报告 {name}", where=name, hint="、".join(PAPERS))
    return PAPERS[name]
