"""Clerical noise: every kind of fault does what it says, alone; most returned lists come back corrected."""

from __future__ import annotations

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from tongpin.base.errors import TongpinError
from tongpin.demo.choice import always_built
from tongpin.demo.faults import registry
from tongpin.demo.faults.planting import allocate, plant, regrouped, wanted
from tongpin.demo.faults.registry import HARMLESS, OTHER_GROUP, STATUSES, Kind, Material, fault, kinds
from tongpin.demo.profile import parse_profile
from tongpin.demo.returns import corrected_lines, receipts, returns
from tongpin.records.case.rules import rules
from tongpin.records.write import Names, write_settlement_list

REJECTED = {"REC-J001", "REC-F001", "REC-D001", "REC-S001"}
"""Reading rules that leave a list out."""
UNGROUPABLE = {*REJECTED, "REC-M001", "REC-X001", *STATUSES}


@pytest.fixture(scope="module")
def big(setting, lists):
    return lists.filter(pc.equal(lists["institution_code"], setting.institution_code(0))).combine_chunks()


@pytest.fixture(scope="module")
def lines(setting, big, tmp_path_factory):
    path = tmp_path_factory.mktemp("lists") / "lists.jsonl"
    write_settlement_list(big, path, names=Names(dx=setting.groups.dx_names, px=setting.groups.px_names))
    return path.read_bytes().splitlines()


@pytest.fixture(scope="module")
def sent(setting, june, big, lines):
    return plant(setting, june, 0, big, lines)


# --- the list of kinds ---------------------------------------------------------------------------------------------


def test_every_kind_has_a_label_and_breaks_something_known():
    known = {*rules(), *STATUSES, OTHER_GROUP, HARMLESS}
    assert len(kinds()) >= 18
    for name, kind in kinds().items():
        assert kind.name == name
        assert any("\u4e00" <= sign <= "\u9fff" for sign in kind.label)
        assert kind.breaks in known


def test_a_kind_is_one_function_more(monkeypatch):
    monkeypatch.setattr(registry, "_KINDS", dict(kinds()))

    @fault("no_doctor", "没有医师", breaks=HARMLESS, returned=False)
    def no_doctor(message, _material):
        message["setlinfo"]["chfpdr_code"] = ""
        return message

    line = kinds()["no_doctor"].edit({"setlinfo": {"chfpdr_code": "1"}}, None)
    assert orjson.loads(line) == {"setlinfo": {"chfpdr_code": ""}}


def test_a_name_stands_once():
    with pytest.raises(ValueError, match="truncated"):
        registry.register_kind(Kind("truncated", "再来一次", HARMLESS, returned=False, edit=lambda *_: None))


def test_a_profile_with_an_unknown_kind_is_refused(data):
    data["faults"]["record_faults"]["value"]["gremlins"] = {"share": 0.1, "corrected": 0}
    with pytest.raises(TongpinError, match="gremlins"):
        parse_profile(data, "test")


@pytest.mark.parametrize("name", sorted(set(kinds()) - {"twice"}))
def test_an_edit_changes_the_list_or_says_that_it_does_not_fit(setting, lines, name):
    codes = setting.fault_codes
    material = Material(np.random.default_rng(1), codes.of_sex, codes.ungroupable, codes.tcm)
    edits = [(line, kinds()[name].edit(orjson.loads(line), material)) for line in lines[:400]]
    fitting = [(line, edited) for line, edited in edits if edited is not None]
    assert fitting
    assert all(line != edited for line, edited in fitting)


# --- planting ------------------------------------------------------------------------------------------------------


def test_every_fault_has_its_line_and_a_list_of_its_own(sent, lines, big):
    assert sent.faults
    assert len({fault.row for fault in sent.faults}) == len(sent.faults)
    faulty = {fault.line for fault in sent.faults}
    for number, line in enumerate(sent.lines):
        if number < len(lines):
            assert (line != lines[number]) == (number in faulty)
    assert len(sent.lines) == big.num_rows + sum(fault.kind == "twice" for fault in sent.faults)


def test_faults_that_move_a_list_are_grouped_to_be_sure(setting, sent, big):
    for fault_ in sent.faults:
        kind = kinds()[fault_.kind]
        if kind.regroups:
            row = big.take(pa.array([fault_.row]))
            assert regrouped(setting, kind, row, [sent.lines[fault_.line]]) == [True]


def test_a_clean_list_is_not_taken_for_a_faulty_one(setting, big, lines):
    kind = kinds()["unknown_principal"]
    assert regrouped(setting, kind, big.slice(0, 50), lines[:50]) == [False] * 50


def test_split_stays_and_interim_bills_stay_as_they_are(sent, big):
    touched = big.take(pa.array([fault.row for fault in sent.faults]))
    assert touched["split"].null_count == touched["interim"].null_count == touched.num_rows


def test_every_kind_reaches_a_hospital_that_is_always_built(setting, june):
    for name in setting.profile.faults.record_faults.value:
        counts = allocate(setting, june, name, 10)
        assert counts.sum() == 10
        assert counts[always_built(setting)].sum() >= 1
    assert allocate(setting, june, "nothing", 0).sum() == 0


def test_the_same_month_has_the_same_faults(setting, june, big, lines, sent):
    assert plant(setting, june, 0, big, lines) == sent


# --- how many: first pass 97.5-98.5 %, 99.84 % after returns --------------------------------------------------------


@pytest.mark.parametrize("back", [0, -5, -17])
def test_first_pass_and_final_grouping_rate(setting, june, back):
    # All drawn lists group as planned (test_every_case_groups_as_planned); so what does not group was planted.
    month = june.plus(back)
    lost = kept = 0
    for hospital in range(len(setting.hospitals)):
        for kind, corrected, count in wanted(setting, month, hospital):
            if kind.breaks in UNGROUPABLE:
                lost += count
                kept += 0 if corrected else count
    size = setting.month_total(month)
    assert 0.975 <= 1 - lost / size <= 0.985
    assert 1 - kept / size == pytest.approx(0.9984, abs=0.0005)


# --- returns -------------------------------------------------------------------------------------------------------


def test_only_kinds_that_are_returned_come_back(setting, june, big, sent):
    found = returns(setting, june, 0, big, sent.faults)
    for one in found:
        assert (one.returned is not None) == kinds()[one.fault.kind].returned
        assert (one.corrected is not None) == (one.fault.corrected and kinds()[one.fault.kind].returned)
        if one.corrected is not None:
            assert str(big["upload_time"][one.fault.row].as_py()) < str(one.returned).replace("T", " ")
            assert one.returned < one.corrected


def test_corrected_lists_are_the_clean_ones_sent_later(setting, june, big, lines, sent):
    found = returns(setting, june, 0, big, sent.faults)
    again, whose = corrected_lines(lines, found)
    assert len(again) == len(whose) > 20
    assert [one.corrected for one in whose] == sorted(one.corrected for one in whose)
    for line, one in zip(again, whose, strict=True):
        before, after = orjson.loads(lines[one.fault.row]), orjson.loads(line)
        assert after["setlinfo"].pop("dcla_time") > before["setlinfo"].pop("dcla_time")
        assert after == before


def test_receipts_say_why_and_when(setting, june, big, sent):
    found = returns(setting, june, 0, big, sent.faults)
    rows = receipts("H1", big["case_id"].to_pylist(), found)
    assert sum(not row.accepted for row in rows) == sum(one.returned is not None for one in found)
    assert sum(row.accepted for row in rows) == sum(one.corrected is not None for one in found)
    assert [row.received_time for row in rows] == sorted(row.received_time for row in rows)
    assert all(row.message for row in rows)
