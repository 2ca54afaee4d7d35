"""The `when` language: what it accepts, and how it points at a fault."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tongpin.grouping.tables.when import ALWAYS, NEVER, NUMBER_FIELDS, OPERATORS, Atom, WhenError, parse_when

ATOMS = st.one_of(
    st.builds(
        Atom,
        kind=st.sampled_from(["dx_main", "dx_any", "dx_other", "px_main", "px_any", "px_other"]),
        negated=st.booleans(),
        list_name=st.sampled_from(["ES3.dx", "HC2.px", "JA1.px.class1", "valid_px"]),
    ),
    st.builds(
        Atom,
        kind=st.sampled_from(NUMBER_FIELDS),
        negated=st.booleans(),
        op=st.sampled_from(OPERATORS),
        number=st.integers(0, 9999).map(float),
    ),
    st.builds(Atom, kind=st.sampled_from(["mcc", "cc"]), negated=st.booleans()),
    st.builds(Atom, kind=st.just("dept"), negated=st.booleans(), values=st.just(("ICU",))),
    st.builds(Atom, kind=st.just("discharge_way"), negated=st.booleans(), values=st.just(("2", "5"))),
)


@given(st.lists(st.lists(ATOMS, min_size=1, max_size=4), min_size=1, max_size=3))
def test_what_is_written_is_read_back(clauses: list[list[Atom]]) -> None:
    text = " | ".join(" & ".join(str(atom) for atom in clause) for clause in clauses)
    assert parse_when(text) == tuple(tuple(clause) for clause in clauses)


def test_always_and_never_stand_alone() -> None:
    assert parse_when("always") == ALWAYS
    assert parse_when(" never ") == NEVER


@pytest.mark.parametrize(
    ("text", "column", "word"),
    [
        ("dx_main:ES3.dx & agee<17", 18, "agee"),
        ("dx_main:ES3.dx &  | mcc", 19, "缺一个条件"),
        ("mcc | cc | xyz", 12, "xyz"),
        ("age<abc", 5, "不是数字"),
        ("dx_main:", 1, "缺清单名"),
        ("mcc & always", 7, "单独成条"),
        ("(mcc)", 1, "不认识"),
        ("", 1, "缺一个条件"),
        ("discharge_way:", 1, "后面缺值"),
    ],
)
def test_a_fault_is_named_with_its_column(text: str, column: int, word: str) -> None:
    with pytest.raises(WhenError) as caught:
        parse_when(text)
    assert caught.value.column == column
    assert word in caught.value.message
    assert caught.value.hint
