"""Group catalogue: proposals become drafts, evidence is counted from cases, each step follows the one before."""

from __future__ import annotations

from collections import Counter
from datetime import date
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest

from tongpin.base.errors import SchemeError, StoreError
from tongpin.grouping.compiled.stage import group
from tongpin.grouping.library import open_scheme
from tongpin.grouping.tables.read import load_scheme
from tongpin.payment.weights import catalogue
from tongpin.payment.weights.evidence import CatalogueRules, Evidence, evidence_of
from tongpin.payment.weights.scheme_draft import Change, both, write_draft
from tongpin.store.home import Home

DAY = date(2025, 9, 1)
RULES = CatalogueRules(minimum_cases=2, cv_limit=Decimal(1), vote_share=Decimal("0.6666"))
SPLIT = Change("split", ("BB19",), ("BB11", "BB15"), ("手术，75岁及以上", "手术，75岁以下"), "age>=75")
MERGE = Change("merge", ("BR11", "BR15"), ("BR19",), ("内科",))
NEW = Change("new", ("BB1",), ("BA19",), ("特殊手术",), "px_main:special")
FILES = {
    "scheme.csv": "key,value\nscheme_id,own\ntitle,试\n",
    "mdc.csv": "seq,mdc,name,when,min_sites\n1,MDCB,神经,dx_main:all,0\n",
    "adrg.csv": "seq,mdc,kind,adrg,rule,name,when\n1,MDCB,adrg,BB1,BB1,手术,px_main:op\n"
    "2,MDCB,adrg,BR1,BR1,内科,always\n",
    "drg.csv": "mdc,adrg,rule,seq,drg,name,when\nMDCB,BB1,BB1,1,BB19,手术,always\n"
    "MDCB,BR1,BR1,1,BR11,内科重,los>=10 | age>=80\nMDCB,BR1,BR1,2,BR15,内科轻,always\n",
    "drg_name.csv": "drg,name\nBB19,手术\nBR11,内科重\nBR15,内科轻\n",
    "dx_list.csv": "list,code\nall,G40\n",
    "px_list.csv": "list,code\nop,01\nop,02\nspecial,02\n",
}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home.open(tmp_path / "home")
    folder = home.schemes / "own"
    folder.mkdir(parents=True)
    for name, text in FILES.items():
        (folder / name).write_text(text, encoding="utf-8")
    return home


def a_case(number: int, fee: float, *, age: int = 50, los: int = 3, px: str | None = None, at: str = "H1") -> dict:
    return {
        "case_id": f"{number}",
        "institution_code": at,
        "institution_name": f"医院{at}",
        "age": age,
        "los": los,
        "sex": 1,
        "dx": ["G40"],
        "px": [px] if px else [],
        "total_fee_fen": round(fee * 100),
    }


CASES = pa.Table.from_pylist(
    [
        a_case(1, 30_000, age=80, px="01"),
        a_case(2, 32_000, age=75, px="02", at="H2"),
        a_case(3, 10_000, age=74, px="01"),
        a_case(4, 11_000, age=30, px="01", at="H2"),
        a_case(5, 5_000, los=12),
        a_case(6, 1_000),
        a_case(7, 1_200, at="H3"),
    ]
)


def evidence(home: Home, tmp_path: Path, change: Change) -> Evidence:
    draft = write_draft(home.schemes / "own", tmp_path / "draft", "own-2", [change])
    return evidence_of(group(CASES, open_scheme(home, "own")), group(CASES, draft), change, RULES)


def counts(found: Evidence, side: str) -> dict[str, int]:
    return {row["drg"]: row["case_count"] for row in found.groups.to_pylist() if row["side"] == side}


def test_a_split_moves_all_cases_of_the_group(home: Home, tmp_path: Path) -> None:
    found = evidence(home, tmp_path, SPLIT)
    assert counts(found, "before") == {"BB19": 4}
    assert counts(found, "after") == {"BB11": 2, "BB15": 2}
    assert found.riv_gain > 0
    assert {row["institution_code"]: row["case_count"] for row in found.hospitals.to_pylist()} == {"H1": 2, "H2": 2}
    assert all(one.holds for one in found.checks)


def test_a_merge_explains_less_and_is_not_asked_to_explain_more(home: Home, tmp_path: Path) -> None:
    found = evidence(home, tmp_path, MERGE)
    assert counts(found, "before") == {"BR11": 1, "BR15": 2}
    assert counts(found, "after") == {"BR19": 3}
    assert found.riv_gain < 0
    assert not any("RIV" in one.label for one in found.checks)


def test_a_new_group_is_asked_before_its_neighbour(home: Home, tmp_path: Path) -> None:
    found = evidence(home, tmp_path, NEW)
    assert counts(found, "after") == {"BA19": 1}
    assert found.moved_count == 1
    assert not found.checks[0].holds, "one case is less than two"


def test_the_draft_is_a_scheme_of_its_own_with_names(home: Home, tmp_path: Path) -> None:
    write_draft(home.schemes / "own", tmp_path / "draft", "own-2", [SPLIT, NEW])
    draft = load_scheme(tmp_path / "draft", "own-2")
    assert Counter(draft.drg_codes) == Counter(["BA19", "BB11", "BB15", "BR11", "BR15"])
    assert draft.drg_names["BB15"] == "手术，75岁以下"
    assert "BB19" not in draft.drg_names


@pytest.mark.parametrize(
    ("first", "second", "joined"),
    [
        ("always", "los>3", "los>3"),
        ("los>3", "always", "los>3"),
        ("never", "los>3", "never"),
        ("a | b", "c | d", "a & c | a & d | b & c | b & d"),
    ],
)
def test_two_conditions_are_written_out(first: str, second: str, joined: str) -> None:
    assert both(first, second) == joined


@pytest.mark.parametrize(
    "change",
    [
        Change("split", ("ZZ19",), ("A", "B"), ("甲", "乙"), "age>1"),
        Change("split", ("BB19",), ("A", "B"), ("甲", "乙")),
        Change("split", ("BB19",), ("BR11", "B"), ("甲", "乙"), "age>1"),
        Change("merge", ("BB19", "BR11"), ("BB19",), ("甲",)),
        Change("merge", ("BR11",), ("BR11",), ("甲",)),
        Change("new", ("XX1",), ("BA19",), ("甲",), "age>1"),
    ],
)
def test_a_change_that_does_not_fit_is_refused(home: Home, change: Change) -> None:
    with pytest.raises(SchemeError) as refused:
        catalogue.propose(home, "own", change, who="某院", reason="试", on=DAY)
    assert refused.value.code == "catalogue.change"
    assert catalogue.proposals(home) == []


def test_a_condition_that_cannot_be_read_makes_no_draft(home: Home, tmp_path: Path) -> None:
    change = Change("split", ("BB19",), ("A", "B"), ("甲", "乙"), "px_main:nowhere")
    with pytest.raises(SchemeError):
        write_draft(home.schemes / "own", tmp_path / "draft", "own-2", [change])


def test_from_proposal_to_publication(home: Home, tmp_path: Path) -> None:
    number = catalogue.propose(home, "own", SPLIT, who="三级医院组", reason="高龄费用高", on=DAY)
    with pytest.raises(StoreError) as early:
        catalogue.vote(home, number, "甲", "for", "", DAY)
    assert early.value.code == "catalogue.state"
    catalogue.note_evidence(home, number, evidence(home, tmp_path, SPLIT), who="经办", on=DAY)
    for expert, ballot in (("甲", "against"), ("乙", "for"), ("丙", "abstain"), ("丁", "for"), ("甲", "against")):
        catalogue.vote(home, number, expert, ballot, "", DAY)
    assert len(catalogue.votes(home, number)) == 4
    assert catalogue.count_votes(home, number, RULES, who="经办", on=DAY), "two of three are two thirds"
    folder = tmp_path / "published"
    draft = catalogue.draft_catalogue(home, "own", [number], folder, "own-2026")
    catalogue.note_draft(home, [number], draft, who="经办", on=DAY)
    published = catalogue.publish_catalogue(home, [number], folder, who="审批", on=DAY)
    assert open_scheme(home, "own-2026").digest == published.digest
    assert [row["state"] for row in catalogue.history(home, number)] == [
        "proposed",
        "evidenced",
        "adopted",
        "drafted",
        "published",
    ]


def test_a_rejected_proposal_goes_no_further(home: Home, tmp_path: Path) -> None:
    number = catalogue.propose(home, "own", SPLIT, who="某院", reason="试", on=DAY)
    catalogue.note_evidence(home, number, evidence(home, tmp_path, SPLIT), who="经办", on=DAY)
    with pytest.raises(StoreError) as nobody:
        catalogue.count_votes(home, number, RULES, who="经办", on=DAY)
    assert nobody.value.code == "catalogue.votes"
    catalogue.vote(home, number, "甲", "against", "例数少", DAY)
    assert not catalogue.count_votes(home, number, RULES, who="经办", on=DAY)
    with pytest.raises(StoreError) as refused:
        catalogue.draft_catalogue(home, "own", [number], tmp_path / "published", "own-2026")
    assert refused.value.code == "catalogue.state"


def test_another_folder_than_the_draft_is_not_published(home: Home, tmp_path: Path) -> None:
    number = catalogue.propose(home, "own", SPLIT, who="某院", reason="试", on=DAY)
    catalogue.note_evidence(home, number, evidence(home, tmp_path, SPLIT), who="经办", on=DAY)
    catalogue.vote(home, number, "甲", "for", "", DAY)
    catalogue.count_votes(home, number, RULES, who="经办", on=DAY)
    folder = tmp_path / "published"
    catalogue.note_draft(
        home, [number], catalogue.draft_catalogue(home, "own", [number], folder, "own-2026"), who="经办", on=DAY
    )
    path = folder / "drg.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("age>=75", "age>=70"), encoding="utf-8")
    with pytest.raises(StoreError) as refused:
        catalogue.publish_catalogue(home, [number], folder, who="审批", on=DAY)
    assert refused.value.code == "catalogue.digest"
