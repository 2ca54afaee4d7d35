"""Papers of analysis 分析的纸面: causes, portfolio, forecast, draft, negotiation, each with a mark."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tongpin.base.errors import TongpinError
from tongpin.twin.causes import papers as causes_papers
from tongpin.twin.forecast.draft_papers import write_trial_xlsx
from tongpin.twin.forecast.papers import write_forecast_pdf, write_forecast_xlsx
from tongpin.twin.negotiation.pack_pdf import write_pack_pdf
from tongpin.twin.negotiation.pack_xlsx import write_pack_xlsx
from tongpin.twin.portfolio import frontier_papers
from tongpin.twin.portfolio import papers as portfolio_papers
from tongpin.workbench.analysis.causes import causes_job, problems_job, top_job
from tongpin.workbench.analysis.forecast import DraftAsked, ForecastAsked, draft_job, forecast_job, trial_of_one
from tongpin.workbench.analysis.negotiation import PackAsked, pack_job
from tongpin.workbench.analysis.paper_kinds import PaperKind, kept
from tongpin.workbench.analysis.portfolio import TrialAsked, hospital_job, plan_job, pyramid_job, trial

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tongpin.twin.causes.run import Wanted
    from tongpin.workbench.analysis.computing import Job
    from tongpin.workbench.analysis.paper_kinds import Context


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


ANALYSES: tuple[PaperKind, ...] = (
    PaperKind(
        "causes",
        "盈亏原因",
        "瀑布、各病组、诊断与医师、原因与病例",
        "causes.read",
        ("month!", "hospital", "dept", "group", "base"),
        (".xlsx", ".pdf"),
        lambda context: causes_job(context.home, context.wanted),
        _causes,
        whole=False,
    ),
    PaperKind(
        "top",
        "前列病组",
        "各科室前五十病组核算",
        "causes.read",
        ("month!", "hospital", "dept"),
        (".xlsx",),
        lambda context: top_job(context.home, context.wanted),
        _top,
        whole=False,
    ),
    PaperKind(
        "problems",
        "双问题清单",
        "双问题科室、待核的合并症填报",
        "causes.read",
        ("month!", "hospital", "dept"),
        (".xlsx",),
        lambda context: problems_job(context.home, context.wanted),
        _problems,
        whole=False,
    ),
    PaperKind(
        "pyramid",
        "病组组合",
        "金字塔、病组、逐月",
        "portfolio.read",
        ("month!", "hospital"),
        (".xlsx", ".pdf"),
        lambda context: pyramid_job(context.home, context.asked.span, context.area, context.whose.hospital),
        _pyramid,
    ),
    PaperKind(
        "trial",
        "病组试算",
        "增减之前与之后",
        "portfolio.read",
        ("month!", "hospital!"),
        (".xlsx",),
        _hospital_job,
        _trial,
    ),
    PaperKind(
        "frontier",
        "结余与绩效前沿",
        "各点与安排",
        "portfolio.read",
        ("month!", "hospital!", "point"),
        (".xlsx", ".pdf"),
        _plan_job,
        _frontier,
    ),
    PaperKind(
        "forecast",
        "年末预测",
        "清算结果与国考指标",
        "forecast.read",
        ("year!", "hospital"),
        (".xlsx", ".pdf"),
        _forecast_job,
        _forecast,
    ),
    PaperKind(
        "draft",
        "政策回测",
        "草案用在过去的病例上",
        "forecast.read",
        ("month!", "draft!", "hospital"),
        (".xlsx",),
        _draft_job,
        _draft,
    ),
    PaperKind(
        "negotiation",
        "谈判材料",
        "请求、证据、基金影响",
        "portfolio.read",
        ("groups!", "hospital!"),
        (".pdf", ".xlsx"),
        _pack_job,
        _pack,
    ),
)
"""The papers that the pages of their figures offer."""
