"""A made-up month for tests of the joint report: a few hospitals, their priced lists and front pages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

GROUPS: tuple[tuple[str, str, str, int, float, float, float, float, float], ...] = (
    # drg, name, dept, weight_e4, stay, drug share, consumable share, share of cases, mortality
    ("BR21D", "脑缺血性疾患，伴严重并发症或合并症", "03.03", 13_000, 11.0, 0.33, 0.06, 2.0, 0.02),
    ("BR25D", "脑缺血性疾患，不伴并发症或合并症", "03.03", 6_500, 8.0, 0.33, 0.05, 4.5, 0.001),
    ("ES31D", "呼吸系统感染，伴严重并发症或合并症", "03.01", 13_500, 11.0, 0.42, 0.06, 1.6, 0.03),
    ("ES35D", "呼吸系统感染，不伴并发症或合并症", "03.01", 5_000, 7.0, 0.36, 0.04, 5.5, 0.0008),
    ("RE15D", "化学治疗", "19", 5_000, 3.5, 0.62, 0.04, 6.0, 0.0005),
    ("RU13D", "恶性肿瘤维持性治疗", "19", 6_500, 5.0, 0.58, 0.05, 3.0, 0.004),
    ("CB39D", "晶状体手术", "10", 5_200, 1.8, 0.04, 0.48, 3.0, 0.0),
    ("FM19D", "经皮冠状动脉支架植入", "03.04", 23_000, 6.5, 0.12, 0.52, 1.6, 0.004),
    ("FR25D", "心力衰竭", "03.04", 6_500, 8.0, 0.30, 0.06, 2.4, 0.012),
    ("IC29D", "髋、膝关节置换", "04.03", 29_000, 10.0, 0.10, 0.55, 0.9, 0.001),
    ("IF49D", "下肢骨手术", "04.03", 17_000, 11.0, 0.14, 0.42, 1.5, 0.001),
    ("HC29D", "胆囊切除手术", "04.01", 12_000, 6.5, 0.18, 0.26, 2.0, 0.0007),
    ("GE15D", "腹股沟及腹疝手术", "04.01", 8_000, 4.5, 0.12, 0.30, 1.5, 0.0),
    ("GK39D", "结肠镜治疗操作", "03.02", 5_200, 3.5, 0.15, 0.22, 2.6, 0.0003),
    ("OB19D", "剖宫产术", "05.02", 8_500, 5.5, 0.14, 0.14, 2.4, 0.0),
    ("OR19D", "阴道分娩", "05.02", 4_000, 3.8, 0.10, 0.10, 1.8, 0.0),
    ("DT19D", "急性上呼吸道感染", "07", 2_500, 4.5, 0.30, 0.04, 2.6, 0.0),
    ("KS15D", "糖尿病", "03.07", 5_500, 8.0, 0.32, 0.05, 3.0, 0.0012),
    ("LC19D", "输尿管手术", "04.04", 12_500, 5.5, 0.16, 0.32, 1.2, 0.0006),
    ("AH11D", "有创呼吸机支持 ≥ 96 小时", "28", 105_000, 24.0, 0.36, 0.16, 0.3, 0.25),
)
LABELS = {group[0]: group[1] for group in GROUPS}
FEE_PER_WEIGHT = {"三级": 1_220_000, "二级": 870_000, "一级": 700_000}
HIGH_E4 = {"三级": 30_000, "二级": 20_000, "一级": 20_000}
POLICY_INFO: dict[str, Any] = {
    "area_label": "示例市",
    "policy_id": "demo-east/2025",
    "policy_label": "示例市 2025 年 DRG 付费办法",
    "scheme_id": "demo-drg",
    "scheme_label": "演示分组方案",
    "weight_edition": "demo-drg 2025",
    "benchmark_month": "2024-06",
    "assumed": ("费用极高病例的支付方式",),
    "notices": (
        "演示方案：分组、权重、费率均为演示用，不是任何统筹区的正式方案",
        "数据为模拟生成，不对应真实机构与患者",
    ),
    "multiples": {"三级": {"low": 0.4, "high": 3}, "二级": {"low": 0.4, "high": 2}, "一级": {"low": 0.4, "high": 2}},
}


@dataclass(frozen=True)
class Month:
    """Everything `build_joint` takes."""

    priced: pa.Table
    pages: pa.Table
    benchmark_pages: pa.Table
    institutions: pa.Table
    statement: pa.Table


def make_month(*, hospitals: tuple[int, int, int] = (2, 3, 3), cases: int = 6_000, seed: int = 7) -> Month:
    """A month of so many hospitals of 三级, 二级, 一级 and about so many lists."""
    institutions = _institutions(hospitals)
    chance = np.random.default_rng(seed)
    priced = _price(_draw(chance, institutions, cases, 1.0), chance)
    pages = _draw(np.random.default_rng(seed), institutions, cases, 1.0)
    others = _draw(chance, institutions, max(cases // 25, 10), 1.0)
    benchmark = _draw(np.random.default_rng(seed + 1), institutions, cases, 1.03)
    statement = priced.group_by(["institution_code", "fund"]).aggregate(
        [("pool_payable_fen", "sum"), ("result_fen", "sum")],
    )
    statement = statement.rename_columns(["institution_code", "fund", "month_pool_payable_fen", "month_result_fen"])
    return Month(priced, pa.concat_tables([pages, others]), benchmark, institutions, statement)


def _institutions(hospitals: tuple[int, int, int]) -> pa.Table:
    rows = []
    digits = "一二三四五六七八九十"
    for level, size in zip(FEE_PER_WEIGHT, hospitals, strict=True):
        for number in range(size):
            third = level == "三级"
            name = f"示例市第{digits[number % 10]}人民医院" if third else f"示例市{chr(65 + number % 26)}区人民医院"
            if level == "一级":
                name = f"示例市{chr(65 + number % 26)}街道社区卫生服务中心"
            rows.append(
                {
                    "institution_code": f"H3202{'321'[['三级', '二级', '一级'].index(level)]}{number:06d}",
                    "institution_name": name + ("" if number < 26 else "（二）"),
                    "settlement_level": level,
                    "grade": ("三甲" if number * 2 < size else "三乙") if third else level,
                    "manual": {"三级": "综合三级", "二级": "综合二级", "一级": "不参加国考"}[level],
                    "beds": 1_000,
                },
            )
    return pa.Table.from_pylist(rows)


def _draw(chance: np.random.Generator, institutions: pa.Table, cases: int, growth: float) -> pa.Table:
    levels = np.array(institutions["settlement_level"].to_pylist())
    share = {"三级": 0.52, "二级": 0.32, "一级": 0.16}
    weight = np.array([share[level] / (levels == level).sum() for level in levels]) * np.linspace(1.3, 0.7, len(levels))
    place = chance.choice(len(levels), cases, p=weight / weight.sum())
    tilt = {"三级": 0.45, "二级": -0.35, "一级": -1.0}
    group_weight = np.array([group[3] for group in GROUPS]) / 10_000
    chosen = np.empty(cases, dtype=np.int64)
    for level in FEE_PER_WEIGHT:
        mask = levels[place] == level
        odds = np.array([group[7] for group in GROUPS]) * group_weight ** tilt[level]
        chosen[mask] = chance.choice(len(GROUPS), int(mask.sum()), p=odds / odds.sum())
    spread = np.random.default_rng(99).normal(1, 0.08, len(levels))
    rate = np.array([FEE_PER_WEIGHT[level] for level in levels])[place] * spread[place]
    outlier = chance.random(cases) < 0.035
    noise = np.where(outlier, 3 * chance.lognormal(-0.125, 0.5, cases), chance.lognormal(-0.16, 0.42, cases))
    fee = np.maximum((rate * group_weight[chosen] * noise / growth).astype(np.int64), 30_000)
    parts = {
        name: np.clip(np.array([group[column] for group in GROUPS])[chosen] * chance.normal(0.9, 0.13, cases), 0, 0.75)
        * np.where((place % 4 == 1) & (chosen % 3 == 0), 1.22, 1.0)
        for name, column in (("drug", 5), ("consumable", 6))
    }
    drug = (fee * np.minimum(parts["drug"], 0.75)).astype(np.int64)
    consumable = (fee * np.minimum(parts["consumable"], 0.24 + 0.5 * (parts["drug"] < 0.2))).astype(np.int64)
    stay = np.maximum(
        (np.array([group[4] for group in GROUPS])[chosen] * chance.lognormal(-0.05, 0.3, cases)).round(), 1
    )
    ungrouped = chance.random(cases) < 0.003
    death = chance.random(cases) < np.array([group[8] for group in GROUPS])[chosen]
    drg = np.where(ungrouped, "0000", np.array([group[0] for group in GROUPS])[chosen])
    surgical = np.array([group[0][1] in "BCEM" for group in GROUPS])[chosen]
    return pa.table(
        {
            "case_id": [f"c{number}" for number in range(cases)],
            "institution_code": np.array(institutions["institution_code"].to_pylist())[place],
            "hospital_level": levels[place],
            "dept": np.array([group[2] for group in GROUPS])[chosen],
            "status": np.where(ungrouped, "ungrouped", "grouped"),
            "drg": drg,
            "weight_e4": np.where(ungrouped, 0, np.array([group[3] for group in GROUPS])[chosen]),
            "los": pa.array(stay.astype(np.int32)),
            "discharge_way": np.where(death, "5", "1"),
            "surgery_level": pa.array(np.where(surgical, 1 + chosen % 4, 0).astype(np.int8), mask=~surgical),
            "insurance": np.where(chance.random(cases) < 0.45, "310", "390"),
            "total_fee_fen": fee,
            "drug_fee_fen": drug,
            "consumable_fee_fen": consumable,
        },
    )


def _price(cases: pa.Table, chance: np.random.Generator) -> pa.Table:
    fee = cases["total_fee_fen"].to_numpy()
    levels = np.array(cases["hospital_level"].to_pylist())
    rate = np.array([FEE_PER_WEIGHT[level] for level in levels.tolist()]) * 97 // 100
    weight = cases["weight_e4"].to_numpy()
    standard = weight * rate // 10_000
    high = fee * 10_000 > standard * np.array([HIGH_E4[level] for level in levels.tolist()])
    low = fee * 10_000 < standard * 4_000
    drg = weight > 0
    outlier = np.where(high, "HIGH", np.where(low, "LOW", "NORMAL"))
    gross = np.where(drg & ~high & ~low, standard, fee)
    patient = fee * 25 // 100
    pool = fee - patient
    kinds = np.where(chance.random(len(fee)) < 0.003, "late", "regular").astype("<U11")
    kinds[:3] = "replacement"
    columns = {name: cases[name] for name in cases.column_names if name != "surgery_level"} | {
        "surgery_level": pa.nulls(len(fee), pa.int8()),
        "fund": cases["insurance"],
        "pay_scope": np.where(drg, "DRG", "BY_ITEM"),
        "standard_fen": pa.array(standard, mask=~drg),
        "outlier_class": pa.array(outlier, mask=~drg),
        "gross_fen": gross,
        "patient_fen": patient,
        "other_funds_fen": np.zeros(len(fee), dtype=np.int64),
        "item_pool_fen": pool,
        "pool_payable_fen": gross - patient,
        "result_fen": gross - fee,
        "line_kind": kinds,
    }
    priced = pa.table(columns)
    red = priced.slice(0, 3)
    for name in ("pool_payable_fen", "item_pool_fen", "result_fen", "gross_fen"):
        negated = pa.array([-value for value in red[name].to_pylist()])
        red = red.set_column(red.column_names.index(name), name, negated)
    red = red.set_column(red.column_names.index("line_kind"), "line_kind", pa.array(["reversal"] * 3))
    return pa.concat_tables([priced, red.cast(priced.schema)])
