"""The typed case 病例: one row a record, whatever file it came from; the columns every upper room may rely on."""

from __future__ import annotations

from typing import NamedTuple

import pyarrow as pa

CODE_LIST = pa.list_(pa.dictionary(pa.int32(), pa.string()))
"""Code lists, principal first, dictionary-encoded: the kernel's own layout."""


class Column(NamedTuple):
    """A column of the case table: name (unit last), Arrow type, Chinese term, what it holds."""

    name: str
    type: pa.DataType
    label: str
    note: str


COLUMNS: tuple[Column, ...] = (
    Column("source", pa.string(), "来源", "settlement_list | front_page | plain"),
    Column("case_id", pa.string(), "病例号", "清单用 setl_id；首页用 机构代码-病案号-住院次数；通用格式用 case_id"),
    Column("institution_code", pa.string(), "机构代码", "定点医疗机构编号"),
    Column("institution_name", pa.string(), "机构名称", ""),
    Column("record_no", pa.string(), "病案号", "与机构代码、出院日期一起配对清单与首页"),
    Column("mdtrt_id", pa.string(), "就诊号", ""),
    Column("patient_hash", pa.string(), "患者标识", "证件号或人员编号的带密钥摘要，不存原文"),
    Column("sex", pa.int8(), "性别", "1 男 2 女，其余为空"),
    Column("age", pa.int16(), "年龄", "入院时周岁"),
    Column("age_days", pa.int32(), "日龄", "不足一岁时的天数"),
    Column("birth_weight", pa.int32(), "出生体重", "克"),
    Column("admission_time", pa.timestamp("s"), "入院时间", ""),
    Column("discharge_time", pa.timestamp("s"), "出院时间", "国考按它归期"),
    Column("settlement_date", pa.date32(), "结算日期", "清单的 setl_end_date"),
    Column("accepted_date", pa.date32(), "接收日期", "清单的申报时间 dcla_time 或结算结果给出的接收日"),
    Column("los", pa.int32(), "住院天数", "入出院只计一天，同日出入院计 1 天"),
    Column("dept", pa.string(), "出院科别", "国家科别代码，不带前缀字母"),
    Column("doctor_code", pa.string(), "主诊医师代码", ""),
    Column("discharge_way", pa.string(), "离院方式", "1…5、9"),
    Column("dx", CODE_LIST, "诊断", "主要诊断在前；中医诊断不在内"),
    Column("px", CODE_LIST, "手术操作", "主要手术操作在前"),
    Column("icu_hours", pa.int32(), "重症监护小时", "整小时，向下取整"),
    Column("ventilation_minutes", pa.int32(), "呼吸机分钟", ""),
    Column("code_map", pa.int8(), "是否先转码", "1 = 先按方案的对照表转换"),
    Column("insurance", pa.string(), "险种", "310 职工、340 离休、390 居民；首页无法确定时为空"),
    Column("care_type", pa.string(), "就医类别", "inpatient | day_surgery；其他清单不进住院口径"),
    Column("surgery_level", pa.int8(), "手术级别", "首页各手术中最高的级别 1–4；清单没有"),
    Column("total_fee_fen", pa.int64(), "总费用", "分"),
    Column("drug_fee_fen", pa.int64(), "药品费", "分：西药、中成药、中药饮片（草药）"),
    Column("consumable_fee_fen", pa.int64(), "卫生材料费", "分：清单“卫生材料费”；首页三类一次性医用材料费"),
    Column("exam_fee_fen", pa.int64(), "检查化验费", "分：检查、化验；首页病理、实验室、影像、临床诊断"),
    Column("service_fee_fen", pa.int64(), "其余医疗服务费", "分：总费用减以上三项"),
    Column("patient_pay_fen", pa.int64(), "个人负担", "分：自付、自费之和（含个人账户）"),
    Column("account_pay_fen", pa.int64(), "其中个人账户", "分"),
    Column("pool_pay_fen", pa.int64(), "统筹按项目支付", "分：结算结果中的统筹基金支付，不重算"),
    Column("other_fund_pay_fen", pa.int64(), "其他基金支付", "分：大病、大额、公补、救助等之和"),
    Column("file", pa.string(), "文件", "来源文件，从装载时所给的文件夹写起"),
    Column("record", pa.int64(), "第几条", "文件内序号，从 1 起"),
)

CASE_SCHEMA = pa.schema([pa.field(c.name, c.type, metadata={"label": c.label}) for c in COLUMNS])
"""A column that a format cannot fill stays null; total = drug + consumable + exam + service where fees are known,
and total = patient + pool + other_fund where a settlement is known (fen, exact)."""

GROUPING_COLUMNS: tuple[str, ...] = (
    "case_id",
    "sex",
    "age",
    "age_days",
    "birth_weight",
    "dept",
    "los",
    "discharge_way",
    "dx",
    "px",
    "icu_hours",
    "code_map",
)
"""The plain case layout: what grouping reads, in its published order."""


def empty_cases() -> pa.Table:
    """A case table without rows."""
    return CASE_SCHEMA.empty_table()
