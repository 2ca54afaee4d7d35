"""Documents of other kinds on the workbench: a filing of the 国考, a new edition of the terms of payment."""

from __future__ import annotations

import io
import shutil
import stat
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from tongpin.base.errors import PolicyError
from tongpin.documents.document import open_document
from tongpin.documents.kinds import limit
from tongpin.measures.guokao.tasks import read_events
from tongpin.payment.policy.library import open_policy, policy_folders, policy_named, shipped_policies
from tongpin.records.intake.load import load_files
from tongpin.store.control import control_engine, reading
from tongpin.store.journal import entries
from tongpin.workbench.approval.edition_package import package_files
from tongpin.workbench.approval.errand_shapes import Task
from tongpin.workbench.approval.errands import errand_of

from .conftest import client_of
from .test_documents_desk import API, act

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

YEAR = 2025
AREA = "demo-east"
PDF = b"%PDF-1.7 evidence"
FILED = "27"
"""Satisfaction of patients (患者满意度), which the small city files; 14 has no figure."""


@pytest.fixture
def office(open_city: Any) -> Callable[[str], Any]:
    """Somebody of the hospital of the open city by role."""
    return lambda role: client_of(open_city).sign_in(role, open_city.passwords[role])


def hospital_of(one: Any) -> str:
    return str(one.got("/me")["scope"]["hospitals"][0]["code"])


def make_ready(one: Any, *numbers: str) -> None:
    """Owner, evidence and reason: what an indicator needs besides its figure."""
    base = f"/api/v1/guokao/{hospital_of(one)}/{YEAR}"
    assert one.post(f"{base}/owners", json={"owners": dict.fromkeys(numbers, "党办")}).status_code == 200
    for number in numbers:
        assert one.post(f"{base}/evidence", data={"no": number}, files={"file": ("证明.pdf", PDF)}).status_code == 201
        assert one.post(f"{base}/reason", json={"no": number, "text": "如实"}).status_code == 200


def draft_filing(one: Any) -> int:
    answer = one.post(f"{API}/filing", json={"hospital": hospital_of(one), "year": YEAR})
    assert answer.status_code == 201, answer.text
    return int(answer.json()["id"])


def passed(number: int, first: Any, *others: Any) -> None:
    """The way of a document from its draft to its approval."""
    for one, name in ((first, "submit"), *((other, "pass") for other in others)):
        answer = act(one, number, name)
        assert answer.status_code == 200, answer.text


def file_anew(city: Any, folder: Path, hospital: str) -> None:
    """Another satisfaction of patients, which is what the indicator rests on."""
    path = folder / "finance.csv"
    head = "institution_code,year,item_code,value,unit,document,owner_dept\n"
    path.write_text(f"{head}{hospital},{YEAR},patient_satisfaction,88.00,分,年报,党办\n", encoding="utf-8")
    assert not [one for one in load_files(city.home, [path], None).findings if one.severity == "error"]


def edition(
    name: str = f"{AREA}/2026", begins: str = "2026-01-01", cutoff: int = 12, more: str = ""
) -> dict[str, bytes]:
    """The demonstration edition under another name, from another day, with another closing day."""
    folder = shipped_policies() / AREA / "2025"
    text = (folder / "policy.yaml").read_text(encoding="utf-8")
    text = text.replace(f"id: {AREA}/2025", f"id: {name}{more}").replace("2025-01-01", "2026-07-01")
    text = text.replace("values: {2024-01-01: 10}", f"values: {{2024-01-01: {cutoff}}}").replace("2024-01-01", begins)
    return {"policy.yaml": text.encode(), "weights.csv": (folder / "weights.csv").read_bytes()}


def zipped(files: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()


def uploaded(one: Any, files: dict[str, bytes]) -> Any:
    return one.post(f"{API}/policy-edition", files={"file": ("2026.zip", zipped(files))})


def approved_edition(person: Callable[[str], Any], files: dict[str, bytes]) -> int:
    answer = uploaded(person("bureau_handler"), files)
    assert answer.status_code == 201, answer.text
    number = int(answer.json()["id"])
    hands = ("bureau_handler", "bureau_checker", "bureau_reviewer", "bureau_approver")
    passed(number, *(person(role) for role in hands))
    return number


def test_indicators_are_submitted_only_after_four_hands_and_rest_on_the_document(
    open_city: Any, office: Callable[[str], Any]
) -> None:
    handler = office("performance_office")
    code = hospital_of(handler)
    make_ready(handler, FILED, "14")
    number = draft_filing(handler)
    shown = handler.got(f"/documents/{number}")
    basis, ready, others = shown["sheet"]["sections"]
    assert [row["sub"] for row in ready["rows"]] == [FILED]
    assert ready["rows"][0]["source"].startswith("填报数据，演示·")
    assert ready["rows"][0]["simulated"] == ""
    assert next(row["lacking"] for row in others["rows"] if row["no"] == "14") == "数不全"
    assert next(field["value"] for field in basis["fields"] if field["id"] == "ready") == 1
    assert (shown["institution_code"], shown["line"]["amount_fen"]) == (code, None)
    assert handler.refused("POST", "/documents/filing", {"hospital": code, "year": YEAR}) == (409, "documents.exists")
    assert handler.refused("POST", f"/documents/{number}/carry-out") == (409, "documents.state")
    passed(number, handler, office("operations"), office("hospital_finance"), office("director"))
    assert [one["label"] for one in handler.got(f"/documents/{number}")["can"]] == ["意见", "提交"]
    assert all(one.event != "submitted" for one in read_events(open_city.home, code, YEAR))
    answer = handler.post(f"{API}/{number}/carry-out")
    assert answer.json()["waits"] == "已执行"
    sent = [one for one in read_events(open_city.home, code, YEAR) if one.event == "submitted"]
    assert [(one.no, one.actor, one.body["document"]) for one in sent] == [
        (FILED, "performance_office", f"公文第 {number} 号")
    ]
    after = handler.got(f"/documents/{number}")
    assert [one["label"] for one in after["steps"]] == ["经办", "审核", "复审", "审批", "执行"]
    assert handler.get(f"{API}/{number}/paper").content.startswith(b"%PDF-")
    assert handler.refused("POST", "/documents/filing", {"hospital": code, "year": YEAR}) == (422, "guokao.nothing")
    with reading(control_engine(open_city.home)) as connection:
        ran = next(one for one in entries(connection, subject=f"document/{number}") if one.act.endswith("carry_out"))
    assert ran.details["numbers"] == [FILED]


def test_figures_that_changed_after_their_approval_are_not_submitted(
    open_city: Any, office: Callable[[str], Any], tmp_path: Path
) -> None:
    handler = office("performance_office")
    make_ready(handler, FILED)
    number = draft_filing(handler)
    passed(number, handler, office("insurance_office"), office("hospital_finance"), office("director"))
    file_anew(open_city, tmp_path, hospital_of(handler))
    assert handler.refused("POST", f"/documents/{number}/carry-out") == (409, "approval.stale")
    assert handler.got(f"/documents/{number}")["line"]["waits"] == "待执行"
    assert all(one.event != "submitted" for one in read_events(open_city.home, hospital_of(handler), YEAR))


def test_a_hospital_drafts_and_sees_its_own_filing_only(
    open_city: Any, office: Callable[[str], Any], person: Callable[[str], Any], account: Callable[[str, str], Any]
) -> None:
    handler = office("performance_office")
    make_ready(handler, FILED)
    number = draft_filing(handler)
    own = hospital_of(handler)
    rows = person("bureau_handler").rows("guokao_hospitals", parameters={"year": str(YEAR)})["rows"]
    other = next(row["code"] for row in rows if row["code"] != own)
    stranger = account("performance_office", other)
    assert stranger.refused("GET", f"/documents/{number}") == (404, "documents.unknown")
    assert stranger.refused("POST", "/documents/filing", {"hospital": own, "year": YEAR}) == (404, "guokao.unknown")
    for role in ("director", "insurance_office"):
        assert person(role).refused("POST", "/documents/filing", {"hospital": own, "year": YEAR})[0] == 403
    assert person("bureau_handler").refused("POST", "/documents/filing", {"hospital": own, "year": YEAR})[0] == 403


def test_the_records_room_files_without_seeing_amounts(
    office: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The small city files no amount, so that its points stand for one."""
    blind, seeing = office("records_room"), office("performance_office")
    make_ready(seeing, FILED)
    number = draft_filing(blind)
    monkeypatch.setattr("tongpin.workbench.api.documents.MONEY_UNITS", {"分"})
    row = {
        role: one.got(f"/documents/{number}")["sheet"]["sections"][1]["rows"][0]
        for role, one in (("blind", blind), ("seeing", seeing))
    }
    assert row["blind"]["value"] == row["blind"]["last"] == "本岗位不看金额"
    assert float(row["seeing"]["value"]) > 0
    assert blind.get(f"{API}/{number}/paper").status_code == 403


def test_an_edition_is_installed_only_after_four_hands_and_as_approved(
    open_city: Any, person: Callable[[str], Any]
) -> None:
    handler, home = person("bureau_handler"), open_city.home
    answer = uploaded(handler, {f"2026/{name}": content for name, content in edition().items()})
    assert answer.status_code == 201, answer.text
    number = answer.json()["id"]
    shown = handler.got(f"/documents/{number}")
    changes = {row["label"]: row for row in shown["sheet"]["sections"][1]["rows"]}
    row = changes["月结截止日（次月几日）"]
    assert (row["kind_label"], row["before"], row["after"]) == (
        "改动",
        "2024-01-01 起：10 日（模拟）",
        "2026-01-01 起：12 日（模拟）",
    )
    facts = {field["id"]: field["value"] for field in shown["sheet"]["sections"][0]["fields"]}
    assert facts["standing"].startswith(policy_named(home, f"{AREA}/2025").edition.label)
    assert shown["sheet"]["simulated"] is True
    assert [one["name"] for one in shown["attachments"]] == ["2026.zip"]
    assert f"{AREA}/2026" not in policy_folders(home)
    passed(number, *(person(role) for role in ("bureau_handler", "bureau_checker", "bureau_reviewer")))
    assert handler.refused("POST", f"/documents/{number}/carry-out") == (409, "documents.state")
    passed_last = act(person("bureau_approver"), number, "pass")
    assert passed_last.json()["waits"] == "待执行"
    assert person("bureau_checker").refused("POST", f"/documents/{number}/carry-out") == (409, "documents.same_hand")
    assert handler.post(f"{API}/{number}/carry-out").json()["waits"] == "已执行"
    found = open_policy(home, AREA, "2026-08")
    assert (found.id, found.digest[:16]) == (f"{AREA}/2026", facts["result"])
    assert [path.name for path in home.policies.iterdir()] == [AREA]
    assert any(one["id"] == found.id and one["is_own"] for one in handler.got("/policies"))
    assert handler.get(f"{API}/{number}/paper").content.startswith(b"%PDF-")


def test_an_edition_with_errors_is_not_kept_and_every_finding_is_told(
    open_city: Any, person: Callable[[str], Any]
) -> None:
    handler = person("bureau_handler")
    answer = uploaded(handler, edition(f"{AREA}/2025", begins="2024-01-01", more="\ndraft: true"))
    told = answer.json()
    assert (answer.status_code, told["code"]) == (422, "policy.faults")
    errors = [one["rule_id"] for one in told["errors"] if one["severity"] == "error"]
    assert errors == ["policy.draft", "policy.exists"]
    assert {one["severity"] for one in told["errors"]} > {"error"}
    assert all(open_city.home.root.name not in str(one) for one in (told["path"], told["message"]))
    unread = uploaded(handler, edition() | {"weights.csv": b"drg\n"}).json()
    assert (unread["code"], unread["path"]) == ("policy.weights", "weights.csv 第 1 行")
    assert handler.rows("documents")["total"] == 0
    assert not (open_city.home.root / "attachments").exists()


def test_an_edition_that_claims_days_of_another_is_refused_when_drafted_and_when_installed(
    open_city: Any, person: Callable[[str], Any]
) -> None:
    handler, home = person("bureau_handler"), open_city.home
    begins = str(policy_named(home, f"{AREA}/2025").begins)
    overlap = uploaded(handler, edition(begins=begins)).json()
    assert [one["rule_id"] for one in overlap["errors"] if one["severity"] == "error"] == ["policy.overlap"]
    number = approved_edition(person, edition())
    rival = home.policies / AREA / "2026-b"
    rival.mkdir(parents=True)
    for name, content in edition(f"{AREA}/2026-b").items():
        (rival / name).write_bytes(content)
    assert handler.refused("POST", f"/documents/{number}/carry-out") == (422, "policy.overlap")
    rival.rename(home.policies / AREA / "2026")
    text = (home.policies / AREA / "2026" / "policy.yaml").read_text(encoding="utf-8")
    (home.policies / AREA / "2026" / "policy.yaml").write_text(text.replace("2026-b", "2026") + "\n", encoding="utf-8")
    assert handler.refused("POST", f"/documents/{number}/carry-out") == (409, "policy.exists")
    shutil.rmtree(home.policies / AREA)
    assert handler.post(f"{API}/{number}/carry-out").status_code == 200


def test_an_edition_whose_file_is_another_by_now_is_not_installed(open_city: Any, person: Callable[[str], Any]) -> None:
    handler, home = person("bureau_handler"), open_city.home
    number = approved_edition(person, edition())
    kept = next(path for path in (home.root / "attachments").rglob("*") if path.is_file())
    whole = kept.read_bytes()
    kept.write_bytes(zipped(edition(cutoff=20)))
    assert handler.refused("POST", f"/documents/{number}/carry-out") == (422, "documents.changed")
    assert f"{AREA}/2026" not in policy_folders(home)
    kept.write_bytes(whole)
    assert handler.post(f"{API}/{number}/carry-out").status_code == 200


def test_what_was_drafted_is_made_anew_from_what_stands_now(
    open_city: Any, office: Callable[[str], Any], person: Callable[[str], Any], tmp_path: Path
) -> None:
    handler = office("performance_office")
    make_ready(handler, FILED)
    filed = draft_filing(handler)
    file_anew(open_city, tmp_path, hospital_of(handler))
    assert handler.post(f"{API}/{filed}/revise").json()["version"] == 2
    assert handler.got(f"/documents/{filed}")["sheet"]["sections"][1]["rows"][0]["value"] == "88.00"
    bureau = person("bureau_handler")
    number = uploaded(bureau, edition()).json()["id"]
    assert bureau.post(f"{API}/{number}/revise").json()["version"] == 2
    assert [one["name"] for one in bureau.got(f"/documents/{number}")["attachments"]] == ["2026.zip"]
    assert office("director").refused("POST", f"/documents/{filed}/revise") == (403, "sign_in.denied")


def test_an_act_that_was_cut_off_before_the_journal_is_taken_up_again(
    open_city: Any, office: Callable[[str], Any], person: Callable[[str], Any]
) -> None:
    handler, home = office("performance_office"), open_city.home
    make_ready(handler, FILED)
    numbers = {"filing": draft_filing(handler), "policy_edition": uploaded(person("bureau_handler"), edition())}
    numbers["policy_edition"] = numbers["policy_edition"].json()["id"]
    for kind, number in numbers.items():
        with reading(control_engine(home)) as connection:
            task = Task(open_document(connection, number).payload, f"公文第 {number} 号", "performance_office")
        first = errand_of(kind).carry_out(home, task)
        assert errand_of(kind).carry_out(home, task)["result_digest"] == first["result_digest"]
    sent = [one for one in read_events(home, hospital_of(handler), YEAR) if one.event == "submitted"]
    assert len(sent) == 1


def test_only_the_handler_of_the_bureau_drafts_editions(person: Callable[[str], Any]) -> None:
    for role in ("bureau_reviewer", "bureau_checker", "director"):
        answer = uploaded(person(role), edition())
        assert (answer.status_code, answer.json()["code"]) == (403, "sign_in.denied")
    elsewhere = uploaded(person("bureau_handler"), edition("far-west/2026"))
    assert (elsewhere.status_code, elsewhere.json()["code"]) == (403, "sign_in.area")


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"/policy.yaml": b"x"}, "文件名指到压缩包之外"),
        ({"a/../../policy.yaml": b"x"}, "文件名指到压缩包之外"),
        ({"C:\\policy.yaml": b"x"}, "文件名指到压缩包之外"),
        ({"policy.yaml": b"x", "run.sh": b"x"}, "不属于付费办法的文件"),
        ({"policy.yaml": b"x", "b/weights.csv": b"x"}, "没有与 policy.yaml 放在一起"),
        ({"weights.csv": b"x"}, "应有一个 policy.yaml"),
        ({"policy.yaml": b"0" * (limit("package_bytes") + 1)}, "解开超过"),
        ({f"{place}.csv": b"x" for place in range(limit("package_count") + 1)}, "个文件"),
    ],
)
def test_a_package_that_is_no_edition_is_refused(files: dict[str, bytes], told: str) -> None:
    with pytest.raises(PolicyError, match=told) as refused:
        package_files(zipped(files), "2026.zip")
    assert refused.value.code == "policy.package"


def test_links_in_a_package_and_broken_ones_are_refused() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        link = zipfile.ZipInfo("policy.yaml")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    for content, told in ((packed.getvalue(), "链接"), (packed.getvalue()[:40], "不是完好的 zip")):
        with pytest.raises(PolicyError, match=told):
            package_files(content, "2026.zip")
    assert package_files(zipped({"2026/policy.yaml": b"x"}), "2026.zip") == {"policy.yaml": b"x"}
