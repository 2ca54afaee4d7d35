"""The duty matrix: people kept apart, whatever path a document takes; a home may have its own, of at least two."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine

from tongpin.base.errors import TongpinError
from tongpin.documents.actors import Actor
from tongpin.documents.document import history, people_of_round, steps_acted
from tongpin.documents.duties import Matrix, check_duties, open_duties, shipped_duties
from tongpin.documents.flow import comment, draft, pass_, return_, revise, submit, withdraw
from tongpin.documents.kinds import kinds
from tongpin.store import control
from tongpin.store.home import Home

EVERY = ("bureau_handler", "bureau_checker", "bureau_reviewer", "bureau_approver")
THREE = """
default: three_people
matrices:
  - {id: three_people, label: 三人四岗, steps: [handle, check, review, approve], people: 3, apart: [[handle, check],
     [handle, approve], [review, approve]], reference: 本县岗位办法, assumed: false}
"""
TWO = "default: two_hands\n"


def write_duties(home: Home, text: str) -> None:
    home.root.mkdir(parents=True, exist_ok=True)
    (home.root / "duties.yaml").write_text(text, encoding="utf-8")


@pytest.fixture(scope="module")
def engines(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Engine]:
    """A control database per duty matrix."""
    made = {}
    for name, text in (("four", ""), ("three", THREE), ("two", TWO)):
        home = Home.open(tmp_path_factory.mktemp(name))
        if text:
            write_duties(home, text)
        made[name] = control.control_engine(home)
        control.upgrade(made[name])
    return made


ACTS: dict[str, Callable[[Connection, int, Actor], object]] = {
    "submit": submit,
    "pass": pass_,
    "return": lambda connection, number, actor: return_(connection, number, actor, text="不对"),
    "withdraw": lambda connection, number, actor: withdraw(connection, number, actor, text="撤回"),
    "revise": lambda connection, number, actor: revise(connection, number, {"n": 1}, actor),
    "comment": lambda connection, number, actor: comment(connection, number, actor, "看过"),
}
paths = st.lists(st.tuples(st.sampled_from(sorted(ACTS)), st.sampled_from("abcde")), max_size=25)


@pytest.mark.parametrize("matrix", ["four", "three", "two"])
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=paths)
def test_no_path_reaches_approval_with_too_few_hands(
    engines: dict[str, Engine], matrix: str, path: list[tuple[str, str]]
) -> None:
    # People who could do everything: only the matrix keeps them apart.
    rules = open_duties(control.home_of(engines[matrix])).matrix("default")
    with engines[matrix].connect() as connection:
        number = draft(connection, "settlement", "s", "t", {}, Actor("a", EVERY)).id
        # Drawn paths rarely end: the shortest way to the end follows them.
        shortest = [(act, name) for act in ("revise", "submit") for name in "abcde"]
        shortest += [("pass", name) for _ in rules.steps for name in "abcde"]
        for act, name in [*path, *shortest]:
            try:
                document = ACTS[act](connection, number, Actor(name, EVERY))
            except TongpinError as error:
                if error.code not in {
                    "documents.state", "documents.same_hand", "documents.hands", "documents.owner"
                }:  # fmt: skip
                    raise
                continue
            if getattr(document, "state", "") == "approved":
                people = people_of_round(connection, document)  # type: ignore[arg-type]
                assert list(people) == list(rules.steps)
                assert len(set(people.values())) >= rules.people
                acted = steps_acted(connection, number)
                for steps in acted.values():
                    assert not any(rules.are_apart(*pair) for pair in itertools.combinations(sorted(steps), 2))
                break
        assert history(connection, number)[-1].act in {"pass", *ACTS}
        connection.rollback()


def test_the_paths_do_reach_approval(engines: dict[str, Engine]) -> None:
    for name, people in (("four", "abcd"), ("three", "abbc"), ("two", "ab")):
        with engines[name].connect() as connection:
            number = draft(connection, "settlement", "s", "t", {}, Actor("a", EVERY)).id
            submit(connection, number, Actor("a", EVERY))
            for one in people[1:]:
                document = pass_(connection, number, Actor(one, EVERY))
            assert document.state == "approved", name


def test_too_few_people_are_told_in_time(make_home: Callable[[str], Home]) -> None:
    home = make_home("sqlite")
    write_duties(
        home, THREE.replace("[handle, check],\n     [handle, approve], [review, approve]", "[handle, approve]")
    )
    engine = control.control_engine(home)
    control.upgrade(engine)
    with engine.begin() as connection:
        number = draft(connection, "settlement", "s", "t", {}, Actor("a", EVERY)).id
        submit(connection, number, Actor("a", EVERY))
        pass_(connection, number, Actor("a", EVERY))
        with pytest.raises(TongpinError, match="3 个人") as refused:
            pass_(connection, number, Actor("a", EVERY))
        assert refused.value.code == "documents.hands"
        assert pass_(connection, number, Actor("b", EVERY)).step == "approve"


def test_a_document_keeps_the_matrix_it_was_submitted_under(make_home: Callable[[str], Home]) -> None:
    home = make_home("sqlite")
    engine = control.control_engine(home)
    control.upgrade(engine)
    with engine.begin() as connection:
        number = draft(connection, "settlement", "s", "t", {}, Actor("a", EVERY)).id
        submit(connection, number, Actor("a", EVERY))
        write_duties(home, TWO)
        assert pass_(connection, number, Actor("b", EVERY)).step == "review"
        later = draft(connection, "settlement", "s", "t", {}, Actor("a", EVERY)).id
        assert submit(connection, later, Actor("a", EVERY)).step == "approve"


@pytest.mark.parametrize(
    ("held", "rules"),
    [
        (["business"], []),
        (["business", "approval"], ["DUTY-01"]),
        (["accounting", "information"], ["DUTY-08"]),
        (["seals", "business"], ["DUTY-09"]),
        (["approval", "supervision", "accounting"], ["DUTY-03", "DUTY-02", "DUTY-06"]),
        (["cooking"], ["DUTY-00"]),
    ],
)
def test_incompatible_duties_are_found(held: list[str], rules: list[str]) -> None:
    found = check_duties({"wang": held, "li": ["business"]})
    assert sorted(one.rule_id for one in found) == sorted(rules)
    assert all(one.path == "wang" and one.severity == "error" and one.hint for one in found)


def test_the_seals_are_kept_by_somebody_of_their_own() -> None:
    rules = shipped_duties()
    for duty in rules.duties:
        found = check_duties({"wang": ["seals", duty.id]})
        assert bool(found) is (duty.id != "seals"), duty.id


def test_a_home_writes_its_own_pairs(make_home: Callable[[str], Home]) -> None:
    home = make_home("sqlite")
    write_duties(
        home, "incompatible: [{id: L-1, first: seals, second: supervision, reason: 县里的规定, reference: 县}]"
    )
    assert check_duties({"wang": ["business", "approval"]}, open_duties(home)) == ()
    assert [one.rule_id for one in check_duties({"wang": ["seals", "supervision"]}, open_duties(home))] == ["L-1"]
    assert open_duties(home).default == "four_hands"


MATRIX = (
    "matrices: [{{id: m, label: m, steps: {steps}, people: {people}, apart: {apart}, reference: r, assumed: false}}]"
)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("default: m\n" + MATRIX.format(steps="[handle, approve]", people=1, apart="[]"), "documents.matrix"),
        ("default: m\n" + MATRIX.format(steps="[handle]", people=1, apart="[]"), "documents.matrix"),
        ("default: m\n" + MATRIX.format(steps="[approve, handle]", people=2, apart="[]"), "documents.matrix"),
        ("default: m\n" + MATRIX.format(steps="[handle, check, approve]", people=4, apart="[]"), "documents.matrix"),
        (
            "default: m\n" + MATRIX.format(steps="[handle, check, approve]", people=2, apart="[[handle, check]]"),
            "documents.matrix",
        ),
        (
            "default: m\n" + MATRIX.format(steps="[handle, approve]", people=2, apart="[[handle, review]]"),
            "documents.matrix",
        ),
        ("default: m\n" + MATRIX.format(steps="[handle, sing, approve]", people=3, apart="[]"), "documents.matrix"),
        ("default: elsewhere\n", "documents.matrix"),
        ("steps: []\n", "documents.matrix"),
        ("hands: {bureau: {handle: [x], check: [x], review: [x]}, hospital: {}}\n", "documents.matrix"),
        ("hands: {elsewhere: {}}\n", "documents.duties"),
        ("defalt: two_hands\n", "documents.duties"),
        ("incompatible: [{id: a, first: seals, second: seals, reason: r, reference: r}]\n", "documents.matrix"),
        ("incompatible: [{id: a, first: seals, second: song, reason: r, reference: r}]\n", "documents.matrix"),
    ],
)
def test_a_faulty_matrix_is_refused(make_home: Callable[[str], Home], text: str, code: str) -> None:
    home = make_home("sqlite")
    write_duties(home, text)
    with pytest.raises(TongpinError) as refused:
        open_duties(home)
    assert refused.value.code == code
    assert "duties.yaml" in refused.value.where


def test_as_many_people_as_steps_means_nobody_twice() -> None:
    four = shipped_duties().matrix("default")
    assert all(four.are_apart(*pair) for pair in itertools.combinations(four.steps, 2))
    steps, apart = ("handle", "check", "approve"), (("handle", "approve"),)
    pair = Matrix(id="m", label="m", steps=steps, people=2, apart=apart, reference="r", assumed=False)
    assert pair.are_apart("approve", "handle")
    assert not pair.are_apart("check", "approve")
    assert not pair.are_apart("check", "check")


def test_every_kind_has_a_matrix_and_hands() -> None:
    rules = shipped_duties()
    assert {"settlement", "clearing", "policy_edition", "allocation", "deduction", "filing"} <= set(kinds())
    for one in kinds().values():
        assert set(rules.matrix(one.matrix).steps) <= set(rules.hands[one.desk])
