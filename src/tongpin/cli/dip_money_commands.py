"""`tongpin dip value | coefficient`: what a point is worth, and the coefficient of a hospital, step by step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tongpin.base.errors import PolicyError, StoreError
from tongpin.base.money import SCALE, parse_yuan
from tongpin.cli.dip_closed import catalogue_of, dip_area, policy_of, say_assumed, span_of
from tongpin.cli.dip_commands import SHOWN
from tongpin.cli.output import screen

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from pathlib import Path

    from tongpin.payment.dip.institution import Hospital
    from tongpin.payment.dip.value_steps import ValueSteps
    from tongpin.payment.policy.policy import Policy
    from tongpin.store.home import Home


def value(
    home_path: Path | None,
    year: int,
    months: str | None,
    budgets: Sequence[str],
    catalogue_name: str | None,
    area: str | None,
) -> None:
    """The budget point value from history, and the settlement value from the closed lines of the year."""
    from datetime import date
    from pathlib import Path

    from tongpin.payment.dip.run import history_in_home
    from tongpin.payment.dip.value_steps import budget_values
    from tongpin.store.home import Home

    home = Home.open(home_path)
    area = dip_area(home, area)
    policy = policy_of(home, area, f"{year}-12")
    catalogue = catalogue_of(home, catalogue_name, policy)
    span = span_of(months) if months else (catalogue.facts["from_month"], catalogue.facts["to_month"])
    on = date(year, 1, 1)
    history = budget_values(history_in_home(home, span, policy, catalogue), catalogue, policy, on)
    settlement, why_not = _settlement(home, area, year, policy, _budgets(budgets))
    screen.give(
        {
            "ok": True,
            "year": year,
            "policy": policy.id,
            "catalogue": catalogue.id,
            "months": list(span),
            "budget": [_plain(one) for one in history],
            "settlement": [_plain(one) for one in settlement],
            "settlement_missing": why_not,
            "assumed": list(policy.assumed_keys()),
        }
    )
    _show_values(f"{year} 年预算点值（历史 {span[0]} 至 {span[1]}，目录 {catalogue.id}）", history)
    if settlement:
        _show_values(f"{year} 年结算点值（试算：清算时才定）", settlement)
    screen.say(f"结算点值：{why_not}" if why_not else "结算点值由年度清算定：tongpin clear 第 10 步")
    say_assumed(policy, catalogue)
    own = Path(policy.file).is_relative_to(home.policies)
    place = policy.id if own else f"本地的付费办法（tongpin policy new 由 {policy.id} 另出一版）"
    screen.say(f"接着：把预算点值写进{place}的 dip.point_value（分基金），再 tongpin settle --draft 试算")


def _settlement(
    home: Home, area: str | None, year: int, policy: Policy, budgets: dict[str, int]
) -> tuple[list[ValueSteps], str]:
    """The settlement values of the closed lines of the year, or why there are none."""
    from datetime import date

    import pyarrow as pa

    from tongpin.payment.dip.value_steps import settlement_values
    from tongpin.payment.month.closed import closed_months, posted
    from tongpin.payment.year.taken import cleared_in

    closed = closed_months(home, area) if area else {}
    if not closed:
        return [], "还没有按病种关账的月份"
    lines = posted(home, area)
    lines = lines.filter(pa.array(cleared_in(lines, policy) == year))
    if not lines.num_rows:
        return [], f"{year} 年没有已关账的清单"
    if not budgets and "dip.final_budget" not in policy.edition.parameters:
        return [], f"付费办法 {policy.id} 没有写最终预算（dip.final_budget），可用 --budget 310=金额 试算"
    return settlement_values(lines, policy, date(year, 12, 31), budgets or None), ""


def _budgets(texts: Sequence[str]) -> dict[str, int]:
    found = {}
    for text in texts:
        fund, equals, amount = text.partition("=")
        try:
            found[fund.strip()] = parse_yuan(amount)
        except (ValueError, ArithmeticError):
            equals = ""
        if not equals or found.get(fund.strip(), 0) <= 0:
            raise PolicyError("dip.budget", f"预算“{text}”看不懂", where="--budget", hint="写成 310=8500000，单位元")
    return found


def _plain(one: ValueSteps) -> dict[str, Any]:
    return {
        "fund": one.fund,
        "label": one.label,
        "monthly_e4": one.monthly_e4,
        **one.value._asdict(),
        "steps": [step._asdict() for step in one.steps],
    }


def _show_values(title: str, found: Sequence[ValueSteps]) -> None:
    from tongpin.payment.pricing.steps import four
    from tongpin.report.words import wan_text

    screen.table(
        title,
        ["基金", "金额（万元，含各付费方）", "总分值", "点值（每分，元）", "现用月度点值", "点值差"],
        [
            [
                one.label,
                wan_text(one.value.money_fen),
                four(one.value.points_e4),
                four(one.value.value_e4),
                "" if one.monthly_e4 is None else four(one.monthly_e4),
                "" if one.monthly_e4 is None else _signed(one.value.value_e4 - one.monthly_e4),
            ]
            for one in found
        ],
    )
    for one in found:
        screen.say(f"{one.label}：")
        for step in one.steps:
            screen.say(f"  {step.text}")


def _signed(value_e4: int) -> str:
    return f"{'+' if value_e4 > 0 else '−' if value_e4 < 0 else ''}{abs(value_e4) / SCALE:,.4f}"


def coefficient(
    home_path: Path | None,
    months: str,
    policy_id: str,
    catalogue_name: str | None,
    institution: str | None,
    output: Path | None,
) -> None:
    """The hospital coefficients that an edition's elements give from the lists of a span, every element shown."""
    from tongpin.payment.dip.institution import hospital_coefficients
    from tongpin.payment.dip.run import cases_with_figures, registered_on, span_end
    from tongpin.payment.policy.library import policy_named
    from tongpin.store.home import Home

    home = Home.open(home_path)
    policy = policy_named(home, policy_id)
    catalogue = catalogue_of(home, catalogue_name, policy)
    span = span_of(months)
    on = span_end(span)
    cases = cases_with_figures(home, span, policy, catalogue)
    found = hospital_coefficients(cases, registered_on(home, on), policy, on)
    chosen = [one for one in found if institution in {None, one.institution_code}]
    if not chosen:
        raise StoreError("dip.case", f"机构 {institution} 在 {months} 没有清单", hint="检查机构代码与月份")
    screen.give(
        {
            "ok": True,
            "policy": policy.id,
            "catalogue": catalogue.id,
            "months": list(span),
            "hospitals": [_hospital(one) for one in chosen],
        }
    )
    _show_coefficients(f"机构系数（{policy.edition.label}，{span[0]} 至 {span[1]} 的清单）", chosen)
    if len(chosen) <= SHOWN:
        for one in chosen:
            _explain_coefficient(one, policy, on)
    else:
        screen.say("看一家怎样得来：加 --institution 机构代码")
    if output is not None:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(_as_yaml(chosen, policy, span), encoding="utf-8")
        screen.say(f"已写出 {output}：把这一段放进本地付费办法的 parameters（下一年度起用），再 tongpin policy check")
    else:
        screen.say("接着：加 -o 系数.yaml 写成付费办法的一段（dip.institution.coefficient，按机构）")
    say_assumed(policy, catalogue)


def _hospital(one: Hospital) -> dict[str, Any]:
    return {
        **one._asdict(),
        "figures": {name: figure._asdict() for name, figure in one.figures.items()},
        "coefficient": {
            **one.coefficient._asdict(),
            "additions": [addition._asdict() for addition in one.coefficient.additions],
        },
    }


def _show_coefficients(title: str, found: Sequence[Hospital]) -> None:
    from tongpin.payment.pricing.steps import four

    short = {"cmi": "CMI", "children": "儿童", "elderly": "老年", "tcm": "中医药"}
    elements = list(found[0].figures)
    screen.table(
        title,
        ["机构", "名称", "类别", "例数", "基本系数", *(short[name] for name in elements), "机构系数"],
        [
            [
                one.institution_code,
                one.institution_name,
                one.hospital_class,
                f"{one.cases:,}",
                four(one.coefficient.base_e4),
                *(f"+{four(addition.capped_e4)}" for addition in one.coefficient.additions),
                four(one.coefficient.total_e4),
            ]
            for one in found
        ],
    )


def _explain_coefficient(one: Hospital, policy: Policy, on: date) -> None:
    from tongpin.payment.dip.institution import ELEMENTS
    from tongpin.payment.pricing.steps import Told, four

    told = Told({"drg": ""}, policy, on)
    source = told.source("dip.institution.base")
    screen.say(f"{one.institution_name}（{one.hospital_class}）：基本系数 {four(one.coefficient.base_e4)}（{source}）")
    for addition in one.coefficient.additions:
        figure = one.figures[addition.element]
        shown = four if addition.element == "cmi" else _share
        beside = f"，同级 {figure.peers} 家均值 {shown(figure.mean_e4)}" if figure.peers else ""
        capped = "，到上限" if addition.capped_e4 < addition.addition_e4 else ""
        screen.say(
            f"  {ELEMENTS[addition.element]}：{shown(figure.value_e4)}{beside}，高出 {figure.excess_e4 / 100:.2f} %，"
            f"加 {four(addition.capped_e4)}{capped}"
        )
    screen.say(f"  机构系数 {four(one.coefficient.total_e4)}")


def _share(value_e4: int) -> str:
    return f"{value_e4 / 100:.2f} %"


def _as_yaml(found: Sequence[Hospital], policy: Policy, span: tuple[str, str]) -> str:
    year = int(span[1][:4]) + 1
    lines = [
        "  dip.institution.coefficient:",
        "    label: 机构系数",
        "    unit: ratio",
        "    by: [institution_code]",
        "    values:",
        f"      {year}-01-01:",
        *(f'        "{one.institution_code}": {one.coefficient.total_e4 / SCALE:g}' for one in found),
        "    assumed: true",
        f"    note: 由 {span[0]} 至 {span[1]} 的清单按 {policy.id} 的各项算出",
    ]
    return "\n".join(lines) + "\n"
