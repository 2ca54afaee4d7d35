"""Every national field goes to the column that means the same: by its very name, or as written out here."""

from __future__ import annotations

from collections import Counter

import pytest

from tongpin.records.case.schema import columns
from tongpin.records.formats.tables import rows

LIST_COLUMNS = {
    "setlinfo.mdtrt_id": "mdtrt_id",
    "setlinfo.setl_id": "case_id",
    "setlinfo.fixmedins_name": "institution_name",
    "setlinfo.fixmedins_code": "institution_code",
    "setlinfo.hi_setl_lv": "settlement_level_code",
    "setlinfo.dcla_time": "upload_time",
    "setlinfo.psn_name": "psn_name",
    "setlinfo.gend": "sex_code",
    "setlinfo.age": "stated_age",
    "setlinfo.nwb_age": "age_days",
    "setlinfo.patn_cert_type": "certificate_type",
    "setlinfo.poscode": "employer_postcode",
    "setlinfo.hi_type": "insurance_code",
    "setlinfo.mul_nwb_bir_wt": "birth_weights",
    "setlinfo.mul_nwb_adm_wt": "admission_weights",
    "setlinfo.ipt_med_type": "inpatient_type_code",
    "setlinfo.act_ipt_days": "stated_stay_days",
    "setlinfo.otp_wm_dise": "outpatient_dx_name",
    "setlinfo.wm_dise_code": "outpatient_dx_code",
    "setlinfo.otp_tcm_dise": "outpatient_tcm_dx_name",
    "setlinfo.tcm_dise_code": "outpatient_tcm_dx_code",
    "setlinfo.diag_code_cnt": "stated_diagnosis_count",
    "setlinfo.maindiag_flag": "stated_principal_flag",
    "setlinfo.oprn_oprt_code_cnt": "stated_procedure_count",
    "setlinfo.vent_used_dura": "ventilation_minutes",
    "setlinfo.pwcry_bfadm_coma_dura": "coma_before_minutes",
    "setlinfo.pwcry_afadm_coma_dura": "coma_after_minutes",
    "setlinfo.bld_cat": "transfusions.kind",
    "setlinfo.bld_amt": "transfusions.amount",
    "setlinfo.bld_unt": "transfusions.unit",
    "setlinfo.days_rinp_flag_31": "readmission_plan",
    "setlinfo.days_rinp_pup_31": "readmission_purpose",
    "setlinfo.setl_end_date": "settlement_date",
    "setlinfo.acct_pay": "account_pay_fen",
    "setlinfo.medins_fill_dept": "filling_dept",
    "setlinfo.medins_fill_psn": "filling_person",
    "payinfo.fund_payamt": "payers.amount_fen",
    "opspdiseinfo.diag_code": "special_diseases.dx_code",
    "opspdiseinfo.oprn_oprt_code": "special_diseases.px_code",
    "diseinfo.diag_code": "diagnoses.code",
    "diseinfo.adm_cond_type": "diagnoses.admission_condition",
    "diseinfo.maindiag_flag": "diagnoses.principal",
    "iteminfo.med_chrgitm": "fees.category",
    "iteminfo.claa_sumfee": "fees.class_a_fen",
    "iteminfo.clab_amt": "fees.class_b_fen",
    "iteminfo.fulamt_ownpay_amt": "fees.own_pay_fen",
    "iteminfo.oth_amt": "fees.other_fen",
    "oprninfo.main_oprn_flag": "procedures.principal",
    "oprninfo.oprn_oprt_code": "procedures.code",
    "oprninfo.oprn_oprt_begntime": "procedures.begin",
    "oprninfo.oprn_oprt_endtime": "procedures.end",
    "oprninfo.oper_dr_name": "procedures.surgeon_name",
    "oprninfo.oper_dr_code": "procedures.surgeon_code",
    "oprninfo.anst_dr_name": "procedures.anaesthetist_name",
    "icuinfo.scs_cutd_ward_type": "icu_stays.ward",
    "icuinfo.scs_cutd_inpool_time": "icu_stays.entry",
    "icuinfo.scs_cutd_exit_time": "icu_stays.leave",
    "icuinfo.scs_cutd_sum_dura": "icu_stays.minutes",
    "bldinfo.bld_cat": "transfusions.kind",
    "bldinfo.bld_amt": "transfusions.amount",
    "bldinfo.bld_unt": "transfusions.unit",
}
"""Fields of the list whose column has another word for the same thing."""

PAGE_COLUMNS = {
    "A01": "institution_code",
    "A02": "institution_name",
    "A46C": "payment_method",
    "A12C": "sex_code",
    "A14": "stated_age",
    "A23C": "native_place",
    "A25C": "registered_postcode",
    "A28C": "current_postcode",
    "A29": "employer_name",
    "A30": "employer_phone",
    "A31C": "employer_postcode",
    "A33C": "contact_relation",
    "B38": "day_surgery_flag",
    "B20": "stated_stay_days",
    "C03C": "diagnoses.code",
    "C04N": "diagnoses.name",
    "C05C": "diagnoses.admission_condition",
    "F05": "diagnoses.outcome",
    "C06x{n}C": "diagnoses.code",
    "C07x{n}N": "diagnoses.name",
    "C08x{n}C": "diagnoses.admission_condition",
    "F06x{n}": "diagnoses.outcome",
    "B22C": "department_head_code",
    "B23C": "chief_physician_code",
    "B24C": "doctor_code",
    "B24": "doctor_name",
    "B25C": "resident_code",
    "B26C": "nurse_code",
    "C26C": "blood_type_abo",
    "C27C": "blood_type_rh",
    "C14x01C": "procedures.code",
    "C15x01N": "procedures.name",
    "C16x01": "procedures.date",
    "C17x01": "procedures.level",
    "F13": "procedures.duration_minutes",
    "C18x01": "procedures.surgeon_name",
    "C19x01": "procedures.assistant1_name",
    "C20x01": "procedures.assistant2_name",
    "C21x01C": "procedures.incision_healing",
    "C22x01C": "procedures.anaesthesia",
    "F15": "procedures.asa",
    "C23x01": "procedures.anaesthetist_name",
    "C35x{n}C": "procedures.code",
    "C36x{n}N": "procedures.name",
    "C37x{n}": "procedures.date",
    "C38x{n}": "procedures.level",
    "F14x{n}": "procedures.duration_minutes",
    "C39x{n}": "procedures.surgeon_name",
    "C40x{n}": "procedures.assistant1_name",
    "C41x{n}": "procedures.assistant2_name",
    "C42x{n}C": "procedures.incision_healing",
    "C43x{n}C": "procedures.anaesthesia",
    "F16x{n}": "procedures.asa",
    "C44x{n}": "procedures.anaesthetist_name",
    "F22": "transfusions.amount",
    "F23": "transfusions.amount",
    "F24": "transfusions.amount",
    "F25": "transfusions.amount",
    "F26": "transfusions.amount",
    "A16": "age_days",
    "A18x{n}": "birth_weights",
    "A17": "admission_weights",
    "C28": "coma_before_minutes",
    "C29": "coma_before_minutes",
    "C30": "coma_before_minutes",
    "C31": "coma_after_minutes",
    "C32": "coma_after_minutes",
    "C33": "coma_after_minutes",
    "C47": "ventilation_minutes",
    "C48x{n}C": "icu_stays.ward",
    "B36C": "readmission_plan",
    "B37": "readmission_purpose",
    "B35": "receiving_institution_name",
    "D01": "total_fee_fen",
    "D09": "patient_pay_fen",
}
"""Columns of the front page whose column has another word for the same thing; D11 to D34 are fees by their code."""

SHARED = {"birth_weights", "admission_weights", "transfusions.kind", "transfusions.amount", "transfusions.unit"}
"""What a list may say in two places: one child or several, blood in the head (4101) or in a node (4101A)."""


def list_fields() -> dict[str, dict[str, str]]:
    return {f"{row['node']}.{row['field']}": row for row in rows("fields/settlement_list.csv")}


def test_the_list_has_its_125_fields_each_in_the_column_of_its_name() -> None:
    fields = list_fields()
    assert len(fields) == 125
    for name, row in fields.items():
        wanted = LIST_COLUMNS.get(name)
        found = row["column"] if wanted else columns()[row["column"]].label
        assert found == (wanted or row["name_zh"]), name


def test_no_two_fields_of_the_list_share_a_column() -> None:
    used = Counter(row["column"] for row in list_fields().values())
    assert {column for column, count in used.items() if count > 1} == SHARED


def test_the_page_has_its_811_columns_each_in_the_column_of_its_name() -> None:
    fields = {row["code"]: row for row in rows("fields/front_page.csv")}
    assert sum(int(row["repeat"]) for row in fields.values()) == 811
    for code, row in fields.items():
        if row["column"] == "fees.amount_fen":
            assert code.startswith("D")
            continue
        wanted = PAGE_COLUMNS.get(code)
        found = row["column"] if wanted else columns()[row["column"]].label
        assert found == (wanted or row["name_zh"].replace("{n}", "")), code


@pytest.mark.parametrize("code", ["D01", "D09"])
def test_totals_of_the_page_are_no_fee_items(code: str) -> None:
    (column,) = [row["column"] for row in rows("fields/front_page.csv") if row["code"] == code]
    assert column in {"total_fee_fen", "patient_pay_fen"}
