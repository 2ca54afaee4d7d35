"""The appeal letter 申诉书: what a home knows of a list as evidence, ready for the hospital's seal (S902-03)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from tongpin.base.errors import PolicyError
from tongpin.payment.explain import explain_line
from tongpin.payment.explain_group import way_of
from tongpin.payment.lists.board import names_of
from tongpin.payment.lists.dates import dates_of, dates_words
from tongpin.payment.lists.feedback import UPHELD, Appeal, appeals, publications
from tongpin.payment.month.closed import RUN, every_run
from tongpin.payment.month.posting import REVERSAL
from tongpin.payment.month.run import line_case, posted_lines
from tongpin.payment.month.statement_columns import synthetic_notice
from tongpin.payment.policy.library import policy_named
from tongpin.payment.policy.period import case_day
from tongpin.payment.policy.prose import ASSUMED, Line, line_of
from tongpin.records.views.shown import text_of
from tongpin.report.docx import SIMULATED_MARK, Blank, Document, Heading, write_docx
from tongpin.report.pdf import Ruled
from tongpin.report.words import yuan_text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date
    from pathlib import Path

    from tongpin.payment.lists.standing import Published
    from tongpin.payment.pricing.steps import Step
    from tongpin.store.home import Home

_PAYMENT = ("应付总额", "支付标准", "权重", "费率", "倍率", "统筹应付", "盈亏", "范围")
"""The steps of the price that an appeal rests on."""


_FACTS = {
    "sex": "性别",
    "age": "年龄",
    "insurance": "险种",
    "dept": "科别",
    "los": "住院天数",
    "discharge_way": "离院方式",
}


class Alike(NamedTuple):
    """Earlier decisions about the same group: how many, how many upheld, and those of the hospital itself."""

    drg: str
    decided: int
    upheld: int
    own: tuple[Appeal, ...]


class Evidence(NamedTuple):
    """What the appeal about a list can rest on: facts, its group and price, clauses, earlier decisions."""

    area: str
    institution_code: str
    institution_name: str
    setl_id: str
    month: str
    published: Published | None
    facts: tuple[tuple[str, str], ...]
    diagnoses: tuple[tuple[str, str], ...]
    procedures: tuple[tuple[str, str], ...]
    group: tuple[str, ...]
    steps: tuple[Step, ...]
    clauses: tuple[Line, ...]
    alike: Alike
    policy: str
    policy_label: str
    notices: tuple[str, ...]
    simulated: bool


def evidence_of(home: Home, whole: Home, institution_code: str | None, setl_id: str) -> Evidence:
    """The evidence about a list of a closed month, as `home` sees it.

    `whole`: the home without a scope, from which the decisions of all hospitals about the same group are counted; of
    other hospitals nothing but these counts is given. Raises PolicyError `lists.appeal.list` or `.several`.
    """
    lines = [row for row in posted_lines(home, setl_id).to_pylist() if row["line_kind"] != REVERSAL]
    lines = [row for row in lines if institution_code in {None, row["institution_code"]}]
    if not lines:
        raise PolicyError("lists.appeal.list", f"清单 {setl_id} 不在已关账的月份里，没有结果可申诉", hint="检查结算号")
    if len({row["institution_code"] for row in lines}) > 1:
        raise PolicyError("lists.appeal.several", f"几家机构都有清单 {setl_id}", hint="写明机构代码")
    line = lines[-1]
    closing = every_run(home)[line[RUN]]
    case = line_case(home, line).to_pylist()[0]
    way = way_of(home, closing, [case], ())
    steps = tuple(step for step in explain_line(home, line, closing) if step.label in _PAYMENT)
    policy = policy_named(home, closing["policy"])
    on = case_day(line, policy.edition.edition_by.value)
    keys = dict.fromkeys(key for step in steps for key in step.keys if key in policy.edition.parameters)
    clauses = tuple(line_of(policy, key, on) for key in keys)
    tables = way.paths[0].tables
    return Evidence(
        closing["area"],
        line["institution_code"],
        names_of(home).get(line["institution_code"], line["institution_code"]),
        setl_id,
        lines[0]["period"],
        publications(home, closing["area"]).get(lines[0]["period"]),
        _facts(home, closing["area"], case, line),
        tuple((code, tables.dx_names.get(code, "")) for code in case["dx"] or ()),
        tuple((code, tables.px_names.get(code, "")) for code in case["px"] or ()),
        tuple(text.strip() for text in way.texts[0].split("\n")),
        steps,
        clauses,
        _alike(whole, closing["area"], line),
        closing["policy"],
        f"{closing['policy_label']}（{closing['policy']}）",
        tuple(synthetic_notice(home)),
        simulated=any(ASSUMED in f"{step.text}{step.source}" for step in steps),
    )


def _facts(home: Home, area: str, case: Mapping[str, Any], line: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    found = [
        row for row in dates_of(home, area, line["case_id"]) if row["institution_code"] == line["institution_code"]
    ]
    shown = [
        ("病案号", case.get("record_no") or ""),
        *((label, text_of(name, case.get(name))) for name, label in _FACTS.items() if case.get(name) is not None),
        ("总费用", f"{yuan_text(line['total_fee_fen'])} 元"),
    ]
    return (*shown, *(("日期", dates_words(dates)) for dates in found[:1]))


def _alike(whole: Home, area: str, line: Mapping[str, Any]) -> Alike:
    """The decided appeals about lists of the same group: counts of all, the hospital's own by name."""
    decided = [one for one in appeals(whole, area) if one.result is not None]
    drgs = {
        (row["institution_code"], row["case_id"]): row["drg"]
        for one in decided
        for row in posted_lines(whole, one.setl_id).to_pylist()
    }
    same = [one for one in decided if drgs.get((one.institution_code, one.setl_id)) == line["drg"]]
    own = tuple(one for one in same if one.institution_code == line["institution_code"])
    return Alike(line["drg"] or "", len(same), sum(one.result == UPHELD for one in same), own)


def alike_words(alike: Alike) -> str:
    """The earlier decisions in one sentence."""
    if not alike.decided:
        return f"{alike.drg} 还没有决定过的申诉"
    return f"{alike.drg} 已决定的申诉 {alike.decided} 件，其中成立 {alike.upheld} 件"


def write_appeal_letter(found: Evidence, reason: str, on: date, path: Path) -> None:
    """The letter as docx: facts, codings, group, price, clauses, earlier decisions, room for reason and seal."""
    window = ""
    if found.published is not None:
        until = f"，申诉至 {found.published.until}" if found.published.until else ""
        window = f"{found.month} 的分组结果于 {found.published.on} 公布{until}"
    own = [
        f"{one.setl_id}：{one.result}（{one.decided_on}{f'，{one.document}' if one.document else ''}）"
        for one in found.alike.own
    ]
    marks = [SIMULATED_MARK] if found.simulated else []
    document = Document(
        "分组与支付结果申诉书",
        [
            f"申诉机构：{found.institution_name}（{found.institution_code}）",
            f"清单：{found.setl_id}　月份：{found.month}",
            f"依据：{found.policy_label}{'　' + window if window else ''}",
            *found.notices,
        ],
        [
            Heading("一、申诉理由"),
            *([reason.strip()] if reason.strip() else [Blank("理由", 5)]),
            Heading("二、病例事实"),
            Ruled(("项目", "内容"), (1.0, 5.0), found.facts),
            Heading("三、诊断与手术操作"),
            Ruled(("类别", "编码", "名称"), (1.0, 1.4, 4.0), _codes(found)),
            Heading("四、入组"),
            *found.group,
            Heading("五、支付"),
            Ruled(
                ("步骤", "算法", "依据"),
                (1.0, 4.6, 1.6),
                [(step.label, step.text.strip(), step.source or "—") for step in found.steps],
            ),
            Heading("六、条款"),
            *_clauses(found),
            Heading("七、同类结论"),
            alike_words(found.alike),
            *own,
            Heading("八、附件与盖章"),
            Blank("病历证据页", 2),
            Blank("医疗机构（章）", 3),
        ],
        [f"{found.institution_name}　{on}"],
        foot=f"申诉书 {found.setl_id}",
        marks=marks,
    )
    write_docx(document, path)


def _codes(found: Evidence) -> list[tuple[str, str, str]]:
    """Diagnoses and procedures as rows: which they are, code, name."""
    return [
        (first if place == 0 else further, code, name)
        for first, further, codes in (
            ("主要诊断", "其他诊断", found.diagnoses),
            ("主要手术", "其他手术", found.procedures),
        )
        for place, (code, name) in enumerate(codes)
    ]


def _clauses(found: Evidence) -> list[str | Ruled]:
    """The values of the edition that the price rests on, with their sources."""
    if not found.clauses:
        return ["本例的支付不涉及付费办法的参数"]
    rows = [(one.label, one.words, one.source) for one in found.clauses]
    return [Ruled(("条款", "取值", "出处"), (1.6, 3.8, 1.6), rows)]
