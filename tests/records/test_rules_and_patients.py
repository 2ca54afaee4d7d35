"""Rules as data, dictionaries as data, and the keyed digest of patients."""

from __future__ import annotations

import hashlib
import hmac
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tongpin.base.errors import RecordsError
from tongpin.records.case.patients import hash_patients
from tongpin.records.case.rules import Sheet, rules
from tongpin.records.case.schema import CASE_SCHEMA
from tongpin.records.formats import tables
from tongpin.records.formats.tables import ROOM, dictionary, rows

RULE_ID = re.compile(r"REC-[A-Z]\d{3}")


def test_every_rule_is_complete() -> None:
    for rule in rules().values():
        assert RULE_ID.fullmatch(rule.rule_id)
        assert rule.label
        assert rule.message
        assert rule.hint
        assert rule.spoils or rule.severity == "info"


def test_code_and_rules_name_the_same_ids() -> None:
    used = {
        name
        for path in Path(ROOM).rglob("*.py")
        for name in re.findall(r"\"(REC-[A-Z]\d{3})\"", path.read_text(encoding="utf-8"))
    }
    assert used == set(rules())


def test_only_rules_that_lose_a_record_or_file_are_errors() -> None:
    sheet = Sheet("file", [7, 8])
    sheet.note("REC-X001", 0, "gend", "9")
    sheet.note("REC-D001", 1, "dscg_time")
    assert sheet.left_out.tolist() == [False, True]
    assert [(found.record, found.severity) for found in sheet.findings] == [(7, "warning"), (8, "error")]


def test_a_ragged_data_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ragged.csv").write_text("a,b\n1,2,3\n", encoding="utf-8")
    monkeypatch.setattr(tables, "ROOM", tmp_path)
    with pytest.raises(RecordsError) as caught:
        rows("ragged.csv")
    assert caught.value.where == "ragged.csv:2"


def test_dictionaries_normalise() -> None:
    assert dictionary("hi_type")["1"] == dictionary("hi_type")["310"] == "310"
    assert dictionary("RC032")["7"] is None
    assert set(dictionary("med_chrgitm_type").values()) == {"drug", "consumable", "exam", "service"}


def test_fee_shares_cover_every_fee() -> None:
    fees = {name.removesuffix("_fee_fen") for name in CASE_SCHEMA.names if name.endswith("_fee_fen")} - {"total"}
    split = {(row["layout"], row["fee"]) for row in rows("fields/fee_split.csv")}
    assert split == {(layout, fee) for layout in ("settlement_list", "front_page") for fee in fees}


def test_the_digest_is_hmac_sha256() -> None:
    expected = hmac.new(b"key", b"P1X", hashlib.sha256).hexdigest()[:32]
    assert hash_patients(["P1x", None, " p1X ", "", "P2"], b"key")[:4] == [expected, None, expected, None]


@given(st.lists(st.one_of(st.none(), st.text(max_size=5)), max_size=20))
def test_equal_persons_and_only_they_share_a_digest(ids: list[str | None]) -> None:
    digests = hash_patients(ids, b"key")
    assert len(digests) == len(ids)
    plain = [one.strip().upper() if one else "" for one in ids]
    for one, first in zip(digests, plain, strict=True):
        assert (one is None) == (first == "")
        for other, second in zip(digests, plain, strict=True):
            assert (one == other) == (first == second)


def test_another_key_gives_another_digest() -> None:
    assert hash_patients(["P1"], b"one") != hash_patients(["P1"], b"two")
