"""List head 清单首部: the fields of `setlinfo` as texts, from the typed columns of cases and persons."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from tongpin.records.case.schema import column_of
from tongpin.records.formats.tables import rows
from tongpin.records.writers.list_texts import department, departments, duration, text_of
from tongpin.records.writers.shared import NEUTRAL

if TYPE_CHECKING:
    from collections.abc import Mapping

CARE_TYPES = {"inpatient": "1", "day_surgery": "2"}
DERIVED_CARE = "inpatient"
"""The care type that a reader takes where a list names none."""
NAMED_PERSONS = frozenset({"psn_name", "certno", "psn_no"})
"""Who is not known is written `-` there."""
DEPARTMENTS = frozenset({"dept", "admission_dept"})
NO_MONEY = pa.scalar(0, pa.int64())


def head_texts(
    cases: pa.Table, persons: Mapping[str, Any], interface: str, counts: Mapping[str, Any]
) -> dict[str, Any]:
    """Field -> text of every case, for the fields of the interface; `counts` are the entries of the nodes."""
    made: dict[str, Any] = {}
    derived = _derived(cases, persons, counts)
    brought_columns = {*cases.column_names, *persons}
    nothing = pa.nulls(cases.num_rows, pa.string())
    for row in rows("fields/settlement_list.csv"):
        if row["node"] != "setlinfo" or row["column"].startswith("transfusions."):
            continue
        field, column = row["field"], row["column"]
        if field in derived:
            texts = derived[field]
        else:
            texts = _plain(cases, persons, column) if column in brought_columns else nothing
        missing = NEUTRAL if field in NAMED_PERSONS else ""
        brought = interface == "4101" and (texts.null_count < len(texts) or field in NAMED_PERSONS)
        if interface in row["interface"].split(";") or brought:
            made[field] = texts.fill_null(missing)
    return made


def _plain(cases: pa.Table, persons: Mapping[str, Any], column: str) -> Any:
    """A column as texts."""
    if column in DEPARTMENTS:
        return department(column_of(cases, column))
    if column.endswith("_minutes"):
        return duration(column_of(cases, column))
    values = persons[column] if column in persons else column_of(cases, column)
    return text_of(values, money=column.endswith("_fen"))


def _derived(cases: pa.Table, persons: Mapping[str, Any], counts: Mapping[str, Any]) -> dict[str, Any]:
    """Fields that a case may bring as they were stated, or that are made from its core columns."""

    def core(name: str) -> Any:
        return column_of(cases, name)

    stated = set(cases.column_names)
    day = core("admission_time").cast(pa.date32())
    begin = core("settlement_begin_date")
    made = {
        "gend": pc.coalesce(core("sex_code"), text_of(core("sex"))),
        "age": _age(cases, persons["birth_date"], stated="stated_age" in stated),
        "hi_type": pc.coalesce(core("insurance_code"), core("insurance")),
        "ipt_med_type": _inpatient_type(cases, stated="inpatient_type_code" in stated),
        "dcla_time": text_of(pc.coalesce(core("upload_time"), core("accepted_date").cast(pa.timestamp("s")))),
        "act_ipt_days": _stay_days(cases, stated="stated_stay_days" in stated),
        "refldept_dept": departments(core("transfer_depts")),
        "setl_begn_date": text_of(begin if "settlement_begin_date" in stated else day),
        **_weights(cases),
        **_payments(cases),
    }
    for field, column, node in (
        ("diag_code_cnt", "stated_diagnosis_count", "diseinfo"),
        ("oprn_oprt_code_cnt", "stated_procedure_count", "oprninfo"),
    ):
        made[field] = text_of(core(column) if column in stated else pa.array(counts[node], pa.int32()))
    return made


def _where(mask: Any, values: Any) -> Any:
    """The values of the masked rows, the others missing."""
    return pc.if_else(mask, values, pa.scalar(None, values.type))


def _age(cases: pa.Table, birth: Any, *, stated: bool) -> Any:
    """The age as stated; else the core one, where no other field of a list gives it back."""
    age = text_of(column_of(cases, "age"))
    if not stated:
        return age
    told = pc.or_(pc.is_valid(birth), pc.is_valid(column_of(cases, "age_days")))
    return pc.coalesce(text_of(column_of(cases, "stated_age")), _where(pc.invert(told), age))


def _stay_days(cases: pa.Table, *, stated: bool) -> Any:
    """The days of the stay as stated; else the core ones, where the times do not give them back."""
    days = text_of(column_of(cases, "los"))
    if not stated:
        return days
    told = pc.and_(*(pc.is_valid(column_of(cases, name)) for name in ("admission_time", "discharge_time")))
    return pc.coalesce(text_of(column_of(cases, "stated_stay_days")), _where(pc.invert(told), days))


def _inpatient_type(cases: pa.Table, *, stated: bool) -> Any:
    """`ipt_med_type` as stated; else by the care type, where it is not what a reader takes anyway."""
    care = column_of(cases, "care_type")
    index = pc.index_in(care, value_set=pa.array(list(CARE_TYPES)))
    code = pa.array(list(CARE_TYPES.values())).take(index)
    if not stated:
        return code
    return pc.coalesce(column_of(cases, "inpatient_type_code"), _where(pc.not_equal(care, DERIVED_CARE), code))


def _weights(cases: pa.Table) -> dict[str, Any]:
    """Weights of newborns: all of them in the one field of 4101, those of twins in one of their own in 4101A too."""
    made = {}
    for column, name in (("birth_weights", "bir"), ("admission_weights", "adm")):
        lists = column_of(cases, column)
        texts = text_of(lists)
        if column == "birth_weights":
            texts = pc.coalesce(texts, text_of(column_of(cases, "birth_weight")))
        made[f"nwb_{name}_wt"] = texts
        made[f"mul_nwb_{name}_wt"] = _where(pc.greater(pc.list_value_length(lists), 1), texts)
    return made


def _payments(cases: pa.Table) -> dict[str, Any]:
    """What the patient paid; where a case does not bring its parts, all of it counts as 自付, none as 自费."""
    self_pay, own_pay, cash, patient, account = (
        column_of(cases, f"{name}_fen") for name in ("self_pay", "own_pay", "cash_pay", "patient_pay", "account_pay")
    )
    silent = pc.and_(pc.is_null(self_pay), pc.and_(pc.is_null(own_pay), pc.is_null(cash)))
    made = {
        "psn_selfpay": pc.coalesce(self_pay, _where(silent, patient)),
        "psn_ownpay": pc.coalesce(
            own_pay, _where(pc.and_(silent, pc.is_valid(patient)), pc.multiply(patient, NO_MONEY))
        ),
        "psn_cashpay": pc.coalesce(cash, _where(silent, pc.subtract(patient, pc.fill_null(account, 0)))),
    }
    return {field: text_of(values, money=True) for field, values in made.items()}
