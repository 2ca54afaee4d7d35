"""Returns by cause, corrections sent back, explanations; uploads of one's own rows only."""

from __future__ import annotations

import io
import json
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import openpyxl
import pyarrow.compute as pc

from tongpin.payment.lists.returns import returns_in_home
from tongpin.records.intake.dossier import dossiers
from tongpin.records.intake.lake_tables import CASES, RECEIPTS, read_loaded
from tongpin.records.views.returns import pointers
from tongpin.store import journal
from tongpin.store.control import control_engine
from tongpin.workbench.today import today

if TYPE_CHECKING:
    from pathlib import Path


def waited(client: Any, upload: dict[str, Any]) -> dict[str, Any]:
    """The upload once it has ended."""
    deadline = time.monotonic() + 60
    while upload["state"] in {"waiting", "running"}:
        assert time.monotonic() < deadline, upload
        time.sleep(0.05)
        upload = client.get(f"/api/v1/files/{upload['id']}").json()
    return upload


def board_of(client: Any, city: Any) -> dict[str, Any]:
    answer = client.get("/api/v1/findings/causes", params={"month": city.month})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


class TestCauses:
    def test_returns_are_counted_as_the_receipts_say(self, city: Any, client: Any) -> None:
        receipts = read_loaded(city.home, RECEIPTS).to_pylist()
        on = today(city.home)
        refused = Counter(
            (row["code"], row["message"])
            for row in receipts
            if not row["accepted"] and row["received_time"].date() <= on
        )
        board = board_of(client("bureau_handler"), city)
        assert {(one["code"], one["message"]): one["total"] for one in board["causes"]} == dict(refused)
        came_back = {
            (row["institution_code"], row["setl_id"])
            for row in receipts
            if not row["accepted"] and row["received_time"].date() <= on
        }
        waiting = came_back - {(row["institution_code"], row["setl_id"]) for row in receipts if row["accepted"]}
        assert board["open"] == len(waiting)
        assert f"退回待改 {len(waiting)} 份" in board["headline"]
        assert sum(one["count"] for one in board["ages"]) == len(waiting)

    def test_a_code_leads_to_field_and_office(self, city: Any) -> None:
        known = pointers(city.home)
        sex = known.of("REC-X001", "性别缺失")
        assert (sex.field, sex.office_label, sex.assumed) == ("性别", "住院处", True)
        principal = known.of("ungrouped", "主要诊断用院内码")
        assert (principal.path, principal.office_label) == ("diseinfo[0].diag_code", "病案室")
        said = known.of("9-any", "金额不对", "payinfo[0].fund_payamt")
        assert (said.field, said.office_label) == ("基金支付金额（第 1 条）", "财务")

    def test_a_home_may_say_its_own_codes(self, own: Any) -> None:
        path = own.home.root / "returns.yaml"
        path.write_text(
            "codes:\n  - {code: P0105, path: setlinfo.dscg_way, office: department, hint: 核对离院方式}\n",
            encoding="utf-8",
        )
        found = pointers(own.home).of("P0105", "离院方式不符")
        assert (found.field, found.office_label, found.hint) == ("离院方式", "临床科室", "核对离院方式")
        path.unlink()

    def test_a_hospital_sees_its_own_returns_only(self, city: Any, client: Any) -> None:
        desk = client("insurance_office")
        code = desk.me["scope"]["hospitals"][0]["code"]
        mine = read_loaded(city.home, RECEIPTS)
        mine = mine.filter(pc.and_(pc.equal(mine["institution_code"], code), pc.invert(mine["accepted"])))
        kept = [row for row in mine.to_pylist() if row["received_time"].date() <= today(city.home)]
        assert board_of(desk, city)["returned"] == len(kept)
        rows = desk.rows("returns", parameters={"area": city.area, "month": city.month}, limit=500)["rows"]
        assert {row["institution_code"] for row in rows} == {code}

    def test_a_role_without_findings_is_refused(self, city: Any, client: Any) -> None:
        answer = client("director").get("/api/v1/findings/causes", params={"month": city.month})
        assert answer.status_code == 403


class TestCorrections:
    def test_the_sheet_comes_back_filled_in_and_the_list_is_sent_again(self, own: Any, office_of: Any) -> None:
        returns = returns_in_home(own.home, own.area, own.month, today(own.home)).to_pylist()
        waiting = [row for row in returns if row["open"] and row["path"] == "diseinfo[0].diag_code"]
        desk = office_of(waiting[0]["institution_code"])
        before = board_of(desk, own)
        cause = next(
            one for one in before["causes"] if one["open"] and one["correctable"] and "diag_code" in one["path"]
        )
        address = f"/api/v1/findings/causes/{cause['id']}"
        answer = desk.get(f"{address}/sheet", params={"month": own.month})
        assert answer.status_code == 200
        book = openpyxl.load_workbook(io.BytesIO(answer.content))
        sheet = book.worksheets[0]
        assert sheet.max_row - 1 == cause["open"]
        case_id, path, now = (sheet.cell(2, column).value for column in (2, 5, 7))
        old = dossiers(own.home, case_id)[0].case
        assert (path, now) == ("diseinfo[0].diag_code", old["dx"][0])
        assert "医保办" in book.worksheets[1].cell(1, 1).value, "the sheet says who took it out"
        sheet.cell(2, 8).value = "I10.x00"
        filled = io.BytesIO()
        book.save(filled)
        sent = desk.post(
            f"{address}/corrections", params={"month": own.month}, files={"file": ("改正表.xlsx", filled.getvalue())}
        )
        assert sent.status_code == 202, sent.text
        done = waited(desk, sent.json())
        assert done["state"] == "done", done
        (kind,) = done["kinds"]
        assert (kind["records"], kind["changed"], kind["rejected"]) == (1, 1, 0)
        fresh = dossiers(own.home, case_id)[0]
        assert fresh.case["dx"] == ["I10.x00", *old["dx"][1:]]
        assert {name for name, *_ in fresh.versions[-1].changes} == {"upload_time", "dx", "diagnoses"}
        assert board_of(desk, own)["open"] == before["open"] - 1
        assert not list((own.home.root / "uploads").glob("*/*")), "the file names patients and is gone"

    def test_a_row_of_another_list_is_refused(self, own: Any, office_of: Any) -> None:
        returns = returns_in_home(own.home, own.area, own.month, today(own.home)).to_pylist()
        waiting = [row for row in returns if row["open"]]
        code = waiting[0]["institution_code"]
        foreign = next(row for row in waiting if row["institution_code"] != code)
        desk = office_of(code)
        mine = next(one for one in board_of(desk, own)["causes"] if one["open"])
        book = openpyxl.Workbook()
        book.active.append(["机构代码", "结算ID", "字段路径", "改为"])
        book.active.append([foreign["institution_code"], foreign["case_id"], foreign["path"], "I10.x00"])
        file = io.BytesIO()
        book.save(file)
        answer = desk.post(
            f"/api/v1/findings/causes/{mine['id']}/corrections",
            params={"month": own.month},
            files={"file": ("x.xlsx", file.getvalue())},
        )
        assert answer.status_code == 422
        assert answer.json()["code"] == "findings.row"

    def test_the_agency_does_not_correct_for_a_hospital(self, own: Any, sign_in: Any) -> None:
        bureau = sign_in("bureau_handler")
        cause = next(one for one in board_of(bureau, own)["causes"] if one["open"])
        answer = bureau.post(
            f"/api/v1/findings/causes/{cause['id']}/corrections",
            params={"month": own.month},
            files={"file": ("x.xlsx", b"x")},
        )
        assert (answer.status_code, answer.json()["code"]) == (403, "findings.bureau")

    def test_an_explanation_stands_in_the_journal_and_beside_the_cause(self, own: Any, sign_in: Any) -> None:
        desk = sign_in("records_room")
        cause = next(one for one in board_of(desk, own)["checks"] if one["open"])
        address = f"/api/v1/findings/causes/{cause['id']}/explained"
        answer = desk.post(address, params={"month": own.month}, json={"reason": "日间手术，住院天数按小时"})
        assert answer.status_code == 200, answer.text
        shown = next(one for one in board_of(desk, own)["checks"] if one["id"] == cause["id"])
        assert [one["reason"] for one in shown["explained"]] == ["日间手术，住院天数按小时"]
        with control_engine(own.home).connect() as connection:
            assert journal.entries(connection, act="findings.explained")[-1].subject == f"cause/{cause['id']}"
        assert desk.post(address, params={"month": own.month}, json={"reason": ""}).status_code == 422


class TestUploads:
    def lines(self, city: Any, month: str) -> list[dict[str, Any]]:
        folder = city.home.demo / "files" / month / "settlement-list"
        return [json.loads(line) for path in sorted(folder.glob("*.jsonl*")) for line in opened(path)[:2]]

    def test_own_rows_are_loaded_in_the_background(self, own: Any, sign_in: Any) -> None:
        desk = sign_in("records_room")
        code = desk.me["scope"]["hospitals"][0]["code"]
        mine = [one for one in self.lines(own, own.month) if one["setlinfo"]["fixmedins_code"] == code][:1]
        mine[0]["setlinfo"] |= {"setl_id": "S-NEW-1", "dcla_time": f"{today(own.home)} 09:00:00"}
        answer = desk.post("/api/v1/files", files={"file": ("新清单.jsonl", body(mine))})
        assert answer.status_code == 202, answer.text
        done = waited(desk, answer.json())
        assert done["state"] == "done"
        assert [(one["kind"], one["new"]) for one in done["kinds"]] == [("settlement-list", 1)]
        assert dossiers(own.home, "S-NEW-1")[0].case["institution_code"] == code
        assert done["id"] in {one["id"] for one in desk.get("/api/v1/files").json()}

    def test_rows_of_another_hospital_keep_the_whole_file_out(self, own: Any, sign_in: Any) -> None:
        desk = sign_in("records_room")
        lines = self.lines(own, own.month)
        for place, one in enumerate(lines):
            one["setlinfo"]["setl_id"] = f"S-MIX-{place}"
        assert len({one["setlinfo"]["fixmedins_code"] for one in lines}) > 1
        done = waited(desk, desk.post("/api/v1/files", files={"file": ("混合.jsonl", body(lines))}).json())
        assert (done["state"], done["refused"]["code"]) == ("refused", "records.foreign")
        assert "混合.jsonl 第" in done["refused"]["message"]
        kept = read_loaded(own.home, CASES, ["case_id"])["case_id"].to_pylist()
        assert not [one for one in kept if one.startswith("S-MIX-")], "nothing of the file was loaded"

    def test_a_broken_row_of_another_hospital_leaves_no_finding(self, own: Any, sign_in: Any) -> None:
        desk = sign_in("records_room")
        code = desk.me["scope"]["hospitals"][0]["code"]
        foreign = next(one for one in self.lines(own, own.month) if one["setlinfo"]["fixmedins_code"] != code)
        foreign["setlinfo"] |= {"setl_id": "S-BAD-1", "dscg_time": "2020-01-01 00:00:00"}
        done = waited(desk, desk.post("/api/v1/files", files={"file": ("坏.jsonl", body([foreign]))}).json())
        assert (done["state"], done["refused"]["code"]) == ("refused", "records.foreign")
        assert not dossiers(own.home, "S-BAD-1")

    def test_what_the_agency_registers_no_hospital_sends(self, sign_in: Any) -> None:
        desk = sign_in("insurance_office")
        table = "institution_code,kind,decided_date,month,fund,amount\nH1,audit_deduction,2025-06-01,2025-06,310,1\n"
        done = waited(desk, desk.post("/api/v1/files", files={"file": ("决定.csv", table.encode())}).json())
        assert (done["state"], done["refused"]["code"]) == ("refused", "records.foreign_kind")
        offered = {one["id"] for one in desk.get("/api/v1/files/offer").json()["kinds"]}
        assert {"settlement-list", "front-page"} <= offered
        assert not {"decision", "institution", "bank-line", "receipt"} & offered

    def test_an_upload_of_another_hospital_is_not_there(self, sign_in: Any) -> None:
        bureau = sign_in("bureau_handler")
        table = b"fund,month\n"
        sent = waited(bureau, bureau.post("/api/v1/files", files={"file": ("x.csv", table)}).json())
        assert sign_in("records_room").get(f"/api/v1/files/{sent['id']}").status_code == 404
        assert bureau.get("/api/v1/files/..%2Fcontrol").status_code == 404

    def test_an_unknown_kind_and_a_role_without_the_permission_are_refused(self, sign_in: Any) -> None:
        file = {"file": ("x.csv", b"a,b\n")}
        answer = sign_in("records_room").post("/api/v1/files", files=file, data={"kind": "nothing"})
        assert (answer.status_code, answer.json()["code"]) == (422, "upload.kind")
        assert sign_in("director").post("/api/v1/files", files=file).status_code == 403


def opened(path: Path) -> list[bytes]:
    """The lines of a demonstration file."""
    import gzip

    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return data.splitlines()


def body(lines: list[dict[str, Any]]) -> bytes:
    return "\n".join(json.dumps(one, ensure_ascii=False) for one in lines).encode()
