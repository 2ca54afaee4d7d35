"""Lists of the cockpit 驾驶舱的列表: groups with both indicators, discharges, alerts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.money import SCALE
from tongpin.grouping.library import open_scheme
from tongpin.measures.catalogue import load_definitions
from tongpin.measures.populations import PAGE_POPULATION, discharged_cases
from tongpin.payment.month.statement_columns import synthetic_notice
from tongpin.store.control import control_engine, reading
from tongpin.store.home import Home
from tongpin.workbench.cockpit.alerts import DESKS, alerts_of
from tongpin.workbench.cockpit.catalogue import alert_rules
from tongpin.workbench.cockpit.groups import groups_of
from tongpin.workbench.cockpit.sight import month_of, place_of
from tongpin.workbench.listings.catalogue import Loaded
from tongpin.workbench.listings.places import institution_names

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tongpin.measures.desks import Desks

RISK_LABELS = {0: "", 1: "低风险", 2: "中低风险", 3: "中高风险", 4: "高风险"}
GROUP_COLUMNS: dict[str, pa.DataType] = {
    **dict.fromkeys(("institution_code", "institution_name", "drg", "drg_name", "kind"), pa.string()),
    "weight": pa.float64(),
    **dict.fromkeys(("cases", "pages", "total_fee_fen", "standard_fen", "excess_fen", "result_fen"), pa.int64()),
    **dict.fromkeys(("fee_deviation", "drug_share", "consumable_share"), pa.float64()),
    **dict.fromkeys(("expected_share", "share_excess", "share_over_rate"), pa.float64()),
    **dict.fromkeys(("fee_over", "share_over", "enough"), pa.bool_()),
}


def load_cockpit_groups(home: Home, parameters: Mapping[str, str]) -> Loaded:
    """The groups of each hospital of the scope with both indicators of S000-23.

    Expected shares are the region's; they are counted over the whole home, and only groups of the scope are rows.
    """
    month = month_of(home, parameters["area"], parameters["month"])
    place = place_of(home.scope)
    names = institution_names(home)
    rows = []
    for one in groups_of(month, place, by_hospital=place.reach == "region"):
        code = one.hospital or place.hospital or ""
        rows.append(
            {
                "institution_code": code,
                "institution_name": names.get(code, code),
                "drg": one.drg,
                "drg_name": one.name,
                "kind": one.kind,
                "weight": None if one.weight_e4 is None else one.weight_e4 / SCALE,
                "cases": one.case_count,
                "pages": one.page_count,
                "total_fee_fen": one.total_fee_fen,
                "standard_fen": one.standard_fen,
                "excess_fen": one.total_fee_fen - one.standard_fen,
                "result_fen": one.result_fen,
                "fee_deviation": one.fee_deviation,
                "drug_share": one.drug_share,
                "consumable_share": one.consumable_share,
                "expected_share": one.expected_share,
                "share_excess": one.share_excess,
                "share_over_rate": _rate(one.share, one.expected_share),
                "fee_over": one.fee_over,
                "share_over": one.share_over,
                "enough": one.enough,
            }
        )
    schema = pa.schema(list(GROUP_COLUMNS.items()))
    basis = month.joint().basis
    notes = (
        *basis.notices,
        f"医保DRG 按结算月、首页按出院月 {month.month}；偏离度 =（费用 − 支付标准）÷ 支付标准",
    )
    return Loaded(pa.Table.from_pylist(rows, schema=schema), notes, bool(basis.assumed) or basis.weights_assumed)


def _rate(share: float | None, expected: float | None) -> float | None:
    return None if share is None or not expected else share / expected - 1


def load_discharges(home: Home, parameters: Mapping[str, str]) -> Loaded:
    """The front pages discharged in a month, each against the region's mean of its group in the base period."""
    month = month_of(home, parameters["area"], parameters["month"])
    place_of(home.scope)
    desks: Desks = month.desks
    pages = discharged_cases(home, desks.scheme, desks.policy, [month.month])
    against = month.against(PAGE_POPULATION)
    scheme = open_scheme(home, desks.policy.scheme_id)
    names = institution_names(home)
    fee = pc.cast(pages["total_fee_fen"], pa.float64())
    drg = pages["drg"].cast(pa.string())
    means, risks = against["benchmark"], against["risk"]
    death = str(load_definitions()["discharge.death_way"].value)
    columns: dict[str, Any] = {
        name: pages[name].cast(pa.string()) for name in ("case_id", "institution_code", "dept", "doctor_code", "drg")
    }
    columns |= {
        "institution_name": _named(pages["institution_code"], names),
        "drg_name": _named(drg, scheme.drg_names),
        "discharge_date": pc.cast(pages["discharge_time"], pa.date32(), safe=False),
        "los": pc.cast(pages["los"], pa.int64()),
        "weight": pc.divide(pc.cast(pages["weight_e4"], pa.float64()), float(SCALE)),
        "total_fee_fen": pc.cast(pages["total_fee_fen"], pa.int64()),
        "drug_share": _share(pages["drug_fee_fen"], fee),
        "consumable_share": _share(pages["consumable_fee_fen"], fee),
        "surgery_level": pc.cast(pages["surgery_level"], pa.int64()),
        "died": pc.fill_null(pc.equal(pages["discharge_way"].cast(pa.string()), death), False),
        "stay_ratio": _against(pc.cast(pages["los"], pa.float64()), drg, means, "mean_stay_e4", SCALE),
        "fee_ratio": _against(fee, drg, means, "mean_fee_fen", 1),
        "risk": _risk(drg, risks),
    }
    edition = f"权重版本 {desks.policy.weights_label}"
    base = "、".join(desks.benchmark_months)
    notes = (
        *synthetic_notice(home),
        f"全部出院的病案首页，按出院月 {month.month}，{edition}；对照为同病组全区域平均（基期 {base}）",
    )
    return Loaded(pa.table(columns), notes, simulated="weights" in desks.policy.assumed_keys())


def _named(codes: Any, words: Mapping[str, str]) -> pa.Array:
    """Codes as words; a code without a word stays."""
    found = codes.combine_chunks() if isinstance(codes, pa.ChunkedArray) else codes
    if not pa.types.is_dictionary(found.type):
        found = found.dictionary_encode()
    kept = pa.array([words.get(code, code) or "" for code in found.dictionary.to_pylist()], pa.string())
    return kept.take(found.indices)


def _share(part: Any, fee: Any) -> Any:
    whole = pc.if_else(pc.greater(fee, 0), fee, pa.scalar(None, pa.float64()))
    return pc.divide(pc.cast(part, pa.float64()), whole)


def _against(value: Any, drg: Any, means: pa.Table | None, name: str, scale: int) -> Any:
    """A value over the mean of its group, null where the base has none."""
    if means is None:
        return pa.nulls(len(value), pa.float64())
    mean = pc.divide(pc.cast(means[name], pa.float64()), float(scale)).combine_chunks()
    found = mean.take(pc.index_in(drg, value_set=means["drg"].cast(pa.string()).combine_chunks()))
    return pc.divide(value, pc.if_else(pc.greater(found, 0), found, pa.scalar(None, pa.float64())))


def _risk(drg: Any, risks: pa.Table | None) -> Any:
    if risks is None:
        return pa.array([""] * len(drg), pa.string())
    levels = risks["risk_level"].combine_chunks()
    found = levels.take(pc.index_in(drg, value_set=risks["drg"].cast(pa.string()).combine_chunks()))
    return pa.array([RISK_LABELS.get(level or 0, "") for level in found.to_pylist()], pa.string())


def load_alerts(home: Home, parameters: Mapping[str, str]) -> Loaded:
    """The alerts of the scope with the answers of both desks; of a month, or of all."""
    engine = control_engine(Home(home.root))
    with reading(engine) as connection:
        found = alerts_of(connection, parameters["area"], parameters.get("month"), home.scope)
    rules = alert_rules()
    texts = ("month", "rule", "rule_label", "place", "text", "hospital_act", "bureau_act", "href")
    answered = [f"{desk}_{name}" for desk in DESKS for name in ("state", "answer", "by")]
    rows = []
    for one in found:
        rule, details = rules[one["rule"]], one["details"]
        row = {
            "id": one["id"],
            "month": one["month"],
            "rule": one["rule"],
            "rule_label": rule.label,
            "institution_code": one["hospital"],
            "place": details["place"],
            "text": details["text"],
            "cases": details["cases"],
            "simulated": details["simulated"],
            "raised_date": one["raised_at"].date(),
            "hospital_act": rule.hospital,
            "bureau_act": rule.bureau,
            "href": details["href"],
        }
        for desk in DESKS:
            said = one["answers"].get(desk)
            row[f"{desk}_state"] = "已回复" if said else "待回复"
            row[f"{desk}_answer"] = said["comment"] if said else ""
            row[f"{desk}_by"] = f"{said['name']} {said['at']:%Y-%m-%d}" if said else ""
        rows.append(row)
    schema = pa.schema(
        [
            ("id", pa.int64()),
            *((name, pa.string()) for name in texts),
            ("institution_code", pa.string()),
            ("cases", pa.int64()),
            ("simulated", pa.bool_()),
            ("raised_date", pa.date32()),
            *((name, pa.string()) for name in answered),
        ]
    )
    notes = ("每条规则、每个对象、每个月只发一次，同时通知两侧；只提示，不扣款",)
    return Loaded(pa.Table.from_pylist(rows, schema=schema), notes, any(row["simulated"] for row in rows))
