"""Parts 分项: into what the difference between a result and its base is taken apart, in the order of substitution."""

from __future__ import annotations

from typing import NamedTuple


class Part(NamedTuple):
    """One step of the substitution: id, the factor that it belongs to, label, and how its amount comes about."""

    id: str
    factor: str
    label: str
    how: str


VOLUME, MIX, UNCOMPARED = "volume", "mix", "uncompared"
WEIGHT, RATE, COEFFICIENT, OTHER_PAY = "weight", "rate", "coefficient", "other_pay"
STAY, DRUG, CONSUMABLE, EXAM, SERVICE = "stay", "drug", "consumable", "exam", "service"
OUTLIER, CODING = "outlier", "coding"

PRICE = "price"
FACTORS: dict[str, str] = {
    VOLUME: "例数",
    MIX: "病例组合",
    PRICE: "价格",
    STAY: "住院日",
    DRUG: "药品",
    CONSUMABLE: "耗材",
    EXAM: "检查化验",
    SERVICE: "其他服务",
    OUTLIER: "极值病例",
    CODING: "编码",
    UNCOMPARED: "无对照病组",
}
"""The factors of the waterfall, in its order."""

PARTS: tuple[Part, ...] = (
    Part(VOLUME, VOLUME, "例数", "对照的结果 ×（本期例数 ÷ 对照例数 − 1）"),
    Part(MIX, MIX, "病例组合", "各病组例数与按对照构成应有例数之差 × 对照的每例结果"),
    Part(UNCOMPARED, UNCOMPARED, "无对照病组", "对照没有正常病例的病组，本期结果全部列在这里"),
    Part(WEIGHT, PRICE, "权重", "权重之差（含权重版本）× 对照的费率与系数"),
    Part(RATE, PRICE, "费率", "费率之差（含级别、险种、基础病组之差）× 本期权重"),
    Part(COEFFICIENT, PRICE, "系数与取整", "系数、支付标准取整之差"),
    Part(OTHER_PAY, PRICE, "标准以外的支付", "正常病例不按支付标准付的部分之差"),
    Part(STAY, STAY, "住院日", "住院日之差带动的费用，按各项费用随住院日变动的份额"),
    Part(DRUG, DRUG, "药品", "同样住院日下的次均药费之差 × 本期正常例数"),
    Part(CONSUMABLE, CONSUMABLE, "耗材", "同样住院日下的次均卫生材料费之差 × 本期正常例数"),
    Part(EXAM, EXAM, "检查化验", "同样住院日下的次均检查化验费之差 × 本期正常例数"),
    Part(SERVICE, SERVICE, "其他服务", "同样住院日下的其余费用之差 × 本期正常例数"),
    Part(OUTLIER, OUTLIER, "极值病例", "费用极高、极低病例的结果，超出同样多正常病例的部分，与对照相比"),
    Part(CODING, CODING, "编码", "按上传的病组与按复核的病组结算之差；没有复核为 0"),
)
"""Every part; their amounts sum to the difference of a result from its base, to the fen."""

PART_IDS: tuple[str, ...] = tuple(part.id for part in PARTS)
FEE_PARTS: tuple[str, ...] = (DRUG, CONSUMABLE, EXAM, SERVICE)
