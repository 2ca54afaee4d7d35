"""Papers of reports 报告的纸面: joint report, monthly, meeting, daily, publication, evaluation, each with a mark."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tongpin.base.errors import TongpinError
from tongpin.measures.evaluation.papers import write_evaluation_xlsx
from tongpin.measures.evaluation.run import evaluate_in_home
from tongpin.twin import joint_hospital
from tongpin.twin.daily.page import daily_html
from tongpin.twin.daily.run import daily_in_home
from tongpin.twin.daily.words import short_text
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
from tongpin.twin.publication.bulletin import write_bulletin_pdf
from tongpin.twin.publication.directed import directed
from tongpin.twin.publication.run import publication_in_home
from tongpin.twin.publication.workbook import write_publication_xlsx
from tongpin.twin.run import joint_in_home
from tongpin.workbench.analysis.computing import Job
from tongpin.workbench.analysis.paper_kinds import PaperKind, kept

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tongpin.workbench.analysis.computing import Tell
    from tongpin.workbench.analysis.paper_kinds import Context


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


def _of_month(kind: str, words: str, make: Callable[..., Any]) -> Callable[[Context], Job[Any]]:
    """The job of a report that `make` gives of a month, a hospital and perhaps one department."""

    def job(context: Context) -> Job[Any]:
        asked = (context.asked.month, context.hospital, context.on, context.whose.dept, context.area)

        def work(tell: Tell) -> Any:
            tell(words)
            return make(context.home, *asked)

        return Job((kind, *asked), work)

    return job


def _meeting(context: Context, found: Any, folder: Path) -> list[Path]:
    paths = []
    for one in found:
        path = folder / f"{file_stem('科室例会', one.hospital_name, one.dept_label, one.month)}.docx"
        write_meeting_docx(replace(one, notices=(context.mark, *one.notices)), path)
        paths.append(path)
    return paths


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


REPORTS: tuple[PaperKind, ...] = (
    PaperKind(
        "joint",
        "联合报告",
        "医保结算与绩效考核同源同表：红线、双问题、病组、变动来源",
        "measures.read",
        ("month!", "hospital"),
        (".html", ".xlsx"),
        _joint_job,
        _joint,
        listed=True,
    ),
    PaperKind(
        "monthly",
        "医院与科室月报",
        "一个月两侧的账：环比、同比、同级，未了清单",
        "measures.read",
        ("month!", "hospital!", "dept"),
        (".docx", ".xlsx"),
        _of_month("monthly", "汇总本月两侧", monthly_in_home),
        _monthly,
        whole=False,
        listed=True,
    ),
    PaperKind(
        "meeting",
        "科室例会材料",
        "每科一页：三个变了的数、盈亏病组、五份要看的病例；不选科室为全部科室",
        "measures.read",
        ("month!", "hospital!", "dept"),
        (".docx",),
        _of_month("meeting", "各科室的变化、盈亏病组与要看的病例", meetings_in_home),
        _meeting,
        whole=False,
        listed=True,
    ),
    PaperKind(
        "daily",
        "院长日报",
        "昨日出院、在院超标准、退回、预计月结、单议候选",
        "cockpit.read",
        ("on", "hospital!"),
        (".html", ".txt"),
        _daily_job,
        _daily,
        listed=True,
    ),
    PaperKind(
        "publication",
        "数据公布",
        "月统计公布或季分析通报；选机构为定向的一份，同级名称隐去",
        "publication.read",
        ("month", "quarter", "hospital"),
        (".xlsx", ".pdf"),
        _publication_job,
        _publication,
        listed=True,
    ),
    PaperKind(
        "evaluation",
        "绩效评价",
        "各机构在同类之内的得分与区间",
        "measures.read",
        ("month!",),
        (".xlsx",),
        _evaluation_job,
        _evaluation,
        desk="bureau",
        listed=True,
    ),
)
"""The papers of the page of reports."""
