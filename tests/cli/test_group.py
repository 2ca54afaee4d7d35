"""`tongpin group`: any size of file, fields that a scheme declares, counts by status and reason, both rates."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tongpin.cli import main
from tongpin.measures.catalogue import load_measures
from tongpin.measures.compute import compute
from tongpin.measures.facts import case_facts
from tongpin.measures.grouping_rate import RATES
from tongpin.records.files import pieces

COLUMNS = {
    "sex": pa.int8(),
    "age": pa.int16(),
    "age_days": pa.int32(),
    "birth_weight": pa.int32(),
    "los": pa.int32(),
    "discharge_way": pa.string(),
    "dx": pa.list_(pa.string()),
    "px": pa.list_(pa.string()),
    "total_fee_fen": pa.int64(),
}
KINDS: list[dict[str, Any]] = [
    {"sex": 1, "age": 60, "los": 8, "dx": ["I63.900", "J96.000"], "px": [], "total_fee_fen": 900_000},
    {"sex": 2, "age": 35, "los": 61, "dx": ["K80.200"], "px": ["51.2300"], "total_fee_fen": 900_000},
    {"sex": 1, "age": 50, "los": 3, "dx": ["I63.900"], "px": [], "total_fee_fen": 499},
    {"sex": 1, "los": 3, "dx": ["I63.900"], "px": [], "total_fee_fen": 900_000},
    {"sex": 2, "age": 0, "age_days": 3, "los": 3, "dx": ["I63.900"], "px": [], "total_fee_fen": 900_000},
    {"sex": 2, "age": 50, "los": 3, "dx": ["?"], "px": [], "total_fee_fen": 900_000},
    {"sex": 2, "age": 50, "los": 3, "dx": [], "px": [], "total_fee_fen": 900_000},
]


@pytest.fixture
def tongpin(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["tongpin", *map(str, arguments), "--home", str(tmp_path / "home")])
        code = 0
        try:
            main()
        except SystemExit as ended:
            code = int(ended.code or 0)
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def typed(rows: list[dict[str, Any]]) -> pa.Table:
    table = pa.table({name: pa.array([row.get(name) for row in rows], kind) for name, kind in COLUMNS.items()})
    return table.add_column(0, "case_id", pa.array([f"{number:06d}" for number in range(len(rows))]))


def as_text(table: pa.Table) -> pa.Table:
    return pa.table(
        {
            name: [
                None if value is None else "|".join(value) if isinstance(value, list) else str(value)
                for value in table[name].to_pylist()
            ]
            for name in table.column_names
        }
    )


def as_csv(table: pa.Table, path: Path) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, table.column_names)
        writer.writeheader()
        writer.writerows(as_text(table).to_pylist())
    return path


def answers(path: Path) -> list[dict[str, Any]]:
    if path.suffix == ".parquet":
        table = pq.read_table(path)
        assert all(kind == pa.string() for kind in table.schema.types)
        return table.to_pylist()
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))


@pytest.mark.parametrize("rows_at_once", [3, 1 << 17])
@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_every_layout_gives_the_same_answers_in_order(
    tongpin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows_at_once: int, ending: str
) -> None:
    monkeypatch.setattr(pieces, "PIECE_ROWS", rows_at_once)
    table = typed(KINDS * 4)
    encoded = table.set_column(
        table.schema.get_field_index("dx"), "dx", table["dx"].cast(pa.list_(pa.dictionary(pa.int32(), pa.string())))
    )
    for name, one in {"typed": table, "text": as_text(table), "encoded": encoded}.items():
        pq.write_table(one, tmp_path / f"{name}.parquet", row_group_size=10)
    files = [as_csv(table, tmp_path / "cases.csv"), *sorted(tmp_path.glob("*.parquet"))]
    said = []
    for file in files:
        output = tmp_path / "out" / f"{file.stem}.{ending}"
        code, told, _ = tongpin("group", file, "--scheme", "demo-drg", "-o", output, "--json")
        assert code == 0, told
        said.append(json.loads(told))
    first = answers(tmp_path / "out" / f"cases.{ending}")
    assert [row["case_id"] for row in first] == table["case_id"].to_pylist()
    assert len({row["drg"] for row in first}) > 3
    for file in files:
        assert answers(tmp_path / "out" / f"{file.stem}.{ending}") == first
    assert len(said) == 4
    assert all(one["status"] == said[0]["status"] and one["reasons"] == said[0]["reasons"] for one in said)
    assert all(one["rates"] == said[0]["rates"] and one["findings_count"] == said[0]["findings_count"] for one in said)


def test_both_rates_and_every_reason_are_told(tongpin, tmp_path: Path) -> None:
    file = as_csv(typed(KINDS), tmp_path / "cases.csv")
    code, told, _ = tongpin("group", file, "--scheme", "demo-drg", "-o", tmp_path / "o.csv", "--json")
    data = json.loads(told)
    assert code == 0
    assert data["status"] == {"grouped": 3, "check_failed": 2, "ungrouped": 2}
    reasons = {one["reason"]: one["cases"] for one in data["reasons"]}
    assert reasons == {"check_age": 1, "check_birth_weight": 1, "principal_unknown": 1, "no_principal": 1}
    scope, quality = data["rates"]
    assert (scope["numerator"], scope["denominator"]) == (1, 5)  # a long and a cheap stay are left out
    assert (quality["numerator"], quality["denominator"]) == (3, 7)
    _, shown, _ = tongpin("group", file, "--scheme", "demo-drg", "-o", tmp_path / "o.csv")
    assert "20.00 %" in shown
    assert "42.86 %" in shown
    assert "没有主要诊断" in shown


def test_the_rates_are_those_of_the_measures(tongpin, tmp_path: Path) -> None:
    table = typed(KINDS * 3)
    pq.write_table(table, tmp_path / "cases.parquet")
    _, told, _ = tongpin(
        "group", tmp_path / "cases.parquet", "--scheme", "demo-drg", "-o", tmp_path / "o.csv", "--json"
    )
    statuses = pa.array([row["status"] for row in answers(tmp_path / "o.csv")])
    facts = case_facts(table.append_column("status", statuses), [])
    expected = compute(facts, [load_measures()[name] for name in RATES])
    rates = {one["id"]: one["value"] for one in json.loads(told)["rates"]}
    assert rates == {name: pytest.approx(expected[name][0].as_py()) for name in RATES}


def test_a_case_that_stands_twice_counts_once(tongpin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "PIECE_ROWS", 2)
    table = typed(KINDS[:3])
    pq.write_table(pa.concat_tables([table, table.slice(0, 1)]), tmp_path / "cases.parquet")
    code, told, _ = tongpin(
        "group", tmp_path / "cases.parquet", "--scheme", "demo-drg", "-o", tmp_path / "o.csv", "--json"
    )
    data = json.loads(told)
    assert (code, data["cases"]) == (0, 3)
    assert [one["record"] for one in data["findings"] if one["rule_id"] == "REC-P002"] == [4]
    assert [row["case_id"] for row in answers(tmp_path / "o.csv")] == ["000000", "000001", "000002"]


def test_cases_out_of_order_are_no_repeats(tongpin, tmp_path: Path) -> None:
    table = typed(KINDS[:3]).take(pa.array([2, 0, 1]))
    pq.write_table(table, tmp_path / "cases.parquet")
    _, told, _ = tongpin(
        "group", tmp_path / "cases.parquet", "--scheme", "demo-drg", "-o", tmp_path / "o.csv", "--json"
    )
    assert json.loads(told)["cases"] == 3
    assert [row["case_id"] for row in answers(tmp_path / "o.csv")] == ["000002", "000000", "000001"]


SCHEME = {
    "scheme.csv": "key,value\nscheme_id,third\n",
    "field.csv": "field,kind,label\nnew_technique,number,新技术\nward,text,病区\nstay_no,number,第几次住院\n",
    "mdc.csv": "seq,mdc,name,when,min_sites\n1,MDCF,循环,dx_main:F.dx,0\n",
    "adrg.csv": "seq,mdc,kind,adrg,rule,name,when\n1,MDCF,adrg,FA1,FA1,循环,always\n",
    "drg.csv": (
        "mdc,adrg,rule,seq,drg,name,when\nMDCF,FA1,FA1,1,FA11,新技术,new_technique==1\n"
        "MDCF,FA1,FA1,2,FA13,监护,ward==ICU\nMDCF,FA1,FA1,3,FA15,再次,stay_no>1\nMDCF,FA1,FA1,4,FA19,其他,always\n"
    ),
    "dx_list.csv": "list,code\nF.dx,I21.900\n",
    "px_list.csv": "list,code\nF.px,36.0700\n",
}


def test_fields_that_a_scheme_declares_come_from_the_file(tongpin, tmp_path: Path) -> None:
    folder = tmp_path / "third"
    folder.mkdir()
    for name, text in SCHEME.items():
        (folder / name).write_text(text, encoding="utf-8")
    _, _, complained = tongpin("scheme", "import", folder, "--id", "third")
    assert "正在编译方案" in complained
    file = tmp_path / "cases.csv"
    file.write_text(
        "case_id,sex,age,dx,px,new_technique,ward,stay_no\n1,1,60,I21.900,,1,,\n2,1,60,I21.900,,0,ICU,\n"
        "3,1,60,I21.900,,,,2\n4,1,60,I21.900,,yes,,\n5,1,60,I21.900,,,,\n",
        encoding="utf-8",
    )
    for by in ([], ["--interpreter"]):
        code, told, complained = tongpin("group", file, "--scheme", "third", "-o", tmp_path / "o.csv", "--json", *by)
        data = json.loads(told)
        assert (code, "正在编译方案" in complained) == (0, False)
        assert [row["drg"] for row in answers(tmp_path / "o.csv")] == ["FA11", "FA13", "FA15", "FA19", "FA19"]
        (found,) = [one for one in data["findings"] if one["rule_id"] == "GRP-F001"]
        assert (found["record"], found["path"], found["value"]) == (4, "new_technique", "yes")


def test_the_rest_of_a_broken_file_is_grouped_and_said(tongpin, tmp_path: Path) -> None:
    file = tmp_path / "cases.parquet"
    pq.write_table(typed(KINDS), file)
    file.write_bytes(file.read_bytes()[:-200] + b"\0" * 192 + file.read_bytes()[-8:])
    code, told, _ = tongpin("group", file, "--scheme", "demo-drg", "-o", tmp_path / "o.csv", "--json")
    assert code == 1
    assert "REC-" in told
    assert not (tmp_path / ".group-").exists()
