"""Archives: their files are loaded one by one; what is dangerous in them is named and left out, its neighbours load."""

from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from records_samples import FRONT_PAGE, KEY, csv_text, json_lines, message

from tongpin.base.errors import RecordsError
from tongpin.records.files import archives
from tongpin.records.intake.load import CASES, LoadReport, load_files, read_loaded
from tongpin.records.intake.read import read
from tongpin.store.home import Home

ARCHIVE = "a.zip"
Load = Callable[[dict[str, bytes]], LoadReport]


def zipped(files: dict[str, bytes]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return data.getvalue()


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.open(tmp_path / "home")


@pytest.fixture
def load(home: Home, tmp_path: Path) -> Load:
    """Load a zip of these files."""

    def load_zip(files: dict[str, bytes]) -> LoadReport:
        (tmp_path / ARCHIVE).write_bytes(zipped(files))
        return load_files(home, [tmp_path / ARCHIVE])

    return load_zip


def errors(report: LoadReport) -> list[tuple[str, str]]:
    return [(one.rule_id, one.file) for one in report.findings if one.severity == "error"]


def parquet() -> bytes:
    data = io.BytesIO()
    pq.write_table(pa.table({"case_id": ["C1"], "dx": ["A01"]}), data)
    return data.getvalue()


def test_every_file_of_a_zip_is_loaded_under_its_name(home: Home, load: Load) -> None:
    files = {
        "清单/06.jsonl": json_lines(message("S1")),
        "pages.csv": csv_text(FRONT_PAGE).encode(),
        "plain.parquet": parquet(),
        "more.jsonl.gz": gzip.compress(json_lines(message("S2"))),
        "__MACOSX/._pages.csv": b"junk",
    }
    report = load(files)
    assert errors(report) == []
    assert dict(report.new) == {"settlement-list": 2, "front-page": 1, "plain": 1}
    assert set(read_loaded(home, CASES)["file"].to_pylist()) == {
        f"a.zip/{name}" for name in files if not name.startswith("__MACOSX")
    }
    assert not list(home.root.glob("loading-*"))


@pytest.mark.parametrize("name", ["../evil.jsonl", "/etc/evil.jsonl", "a\\..\\..\\evil.jsonl", "C:/evil.jsonl"])
def test_a_name_that_leads_out_is_refused_and_written_nowhere(
    home: Home, load: Load, tmp_path: Path, name: str
) -> None:
    report = load({"good.jsonl": json_lines(message("S1")), name: json_lines(message("S2"))})
    assert [rule for rule, _ in errors(report)] == ["REC-Z001"]
    assert read_loaded(home, CASES)["case_id"].to_pylist() == ["S1"]
    assert not [path for path in tmp_path.rglob("*") if "evil" in path.name]


def test_a_bomb_is_refused_and_its_neighbour_loads(home: Home, load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "FREE_BYTES", 1 << 16)
    report = load({"good.jsonl": json_lines(message("S1")), "bomb.jsonl": b"\n" * (1 << 22)})
    assert errors(report) == [("REC-Z002", "a.zip/bomb.jsonl")]
    assert read_loaded(home, CASES)["case_id"].to_pylist() == ["S1"]


def test_a_gz_that_grows_beyond_measure_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "FREE_BYTES", 1 << 16)
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress(json_lines(message("S1")) + b"\n" * (1 << 23)))
    assert [one.rule_id for one in read(path, key=KEY).findings] == ["REC-Z002"]


def test_a_header_that_lies_about_its_size_is_stopped_while_unpacking(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / ARCHIVE
    path.write_bytes(zipped({"a.jsonl": b"\n" * (1 << 22)}))
    monkeypatch.setattr(archives, "FREE_BYTES", 1 << 16)
    source = archives.Source(path, "a.zip/a.jsonl", 0)
    with archives.opened(source) as stream, pytest.raises(RecordsError) as caught:
        stream.read()
    assert caught.value.code == "records.bomb"


@pytest.mark.parametrize(("limit", "value"), [("MOST_MEMBERS", 1), ("LARGEST_UNPACKED_BYTES", 100)])
def test_too_many_or_too_large_files_refuse_the_archive(
    load: Load, monkeypatch: pytest.MonkeyPatch, limit: str, value: int
) -> None:
    monkeypatch.setattr(archives, limit, value)
    report = load({"1.jsonl": json_lines(message("S1")), "2.jsonl": json_lines(message("S2"))})
    assert errors(report) == [("REC-Z002", ARCHIVE)]


def test_archives_within_archives_are_refused(home: Home, load: Load) -> None:
    report = load(
        {"in.zip": zipped({"a": b"x"}), "in.7z": b"7z\xbc\xaf\x27\x1cxx", "good.jsonl": json_lines(message("S1"))}
    )
    assert errors(report) == [("REC-Z003", "a.zip/in.zip"), ("REC-Z003", "a.zip/in.7z")]
    assert read_loaded(home, CASES).num_rows == 1


def test_encrypted_and_broken_members_are_refused(home: Home, tmp_path: Path) -> None:
    data = bytearray(zipped({"secret.jsonl": json_lines(message("S1")), "good.jsonl": json_lines(message("S2"))}))
    directory = data.index(b"PK\x01\x02")
    data[directory + 8] |= archives.ENCRYPTED
    (tmp_path / ARCHIVE).write_bytes(bytes(data))
    report = load_files(home, [tmp_path / ARCHIVE])
    assert errors(report) == [("REC-Z004", "a.zip/secret.jsonl")]
    assert read_loaded(home, CASES)["case_id"].to_pylist() == ["S2"]


def test_a_cut_archive_is_one_error(home: Home, tmp_path: Path) -> None:
    (tmp_path / ARCHIVE).write_bytes(zipped({"a.jsonl": json_lines(message("S1"))})[:-30])
    report = load_files(home, [tmp_path / ARCHIVE])
    assert errors(report) == [("REC-C006", ARCHIVE)]


def test_names_of_chinese_systems_are_shown_as_they_were(home: Home, tmp_path: Path) -> None:
    name = "清单.jsonl".encode("gb18030").decode("cp437")
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr(name, json_lines(message("S1")))
    # Python marks names beyond ASCII as UTF-8; such systems write their own bytes without a mark.
    raw = data.getvalue().replace(name.encode(), "清单.jsonl".encode("gb18030"))
    path = tmp_path / ARCHIVE
    path.write_bytes(_renamed(raw, name))
    load_files(home, [path])
    assert read_loaded(home, CASES)["file"].to_pylist() == ["a.zip/清单.jsonl"]


def _renamed(raw: bytes, name: str) -> bytes:
    """The archive with the lengths and marks of its one name put right."""
    size = len("清单.jsonl".encode("gb18030"))
    shift = len(name.encode()) - size
    made = bytearray(raw)
    for sign, flags, length in ((b"PK\x03\x04", 6, 26), (b"PK\x01\x02", 8, 28)):
        place = made.index(sign)
        made[place + flags : place + flags + 2] = (0).to_bytes(2, "little")
        made[place + length : place + length + 2] = size.to_bytes(2, "little")
    end = made.index(b"PK\x05\x06")
    for field in (12, 16):
        value = int.from_bytes(made[end + field : end + field + 4], "little") - shift
        made[end + field : end + field + 4] = value.to_bytes(4, "little")
    return bytes(made)


def test_a_zip_of_one_kind_is_read_as_one(tmp_path: Path) -> None:
    path = tmp_path / ARCHIVE
    path.write_bytes(zipped({"1.jsonl": json_lines(message("S1")), "2.jsonl": json_lines(message("S2"))}))
    loaded = read(path, key=KEY)
    assert list(zip(loaded.cases["file"].to_pylist(), loaded.cases["case_id"].to_pylist(), strict=True)) == [
        ("a.zip/1.jsonl", "S1"),
        ("a.zip/2.jsonl", "S2"),
    ]
    path.write_bytes(zipped({"1.jsonl": json_lines(message("S1")), "2.parquet": parquet()}))
    with pytest.raises(RecordsError, match="不止一种"):
        read(path, key=KEY)
