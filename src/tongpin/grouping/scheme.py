"""The library face 程序库: load a scheme, group a table, a stream or one case, and ask why; no home, no server.

from tongpin import Scheme
scheme = Scheme.load("demo-drg")
grouped = scheme.group(table)
"""

from __future__ import annotations

from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.errors import SchemeError, TongpinError
from tongpin.grouping.compiled.cache import announce_kernel, cache_of, compiled_scheme, tell
from tongpin.grouping.library import folder_of, scheme_folders
from tongpin.grouping.tables.interpreter import Case
from tongpin.grouping.tables.read import load_scheme
from tongpin.store.home import Home

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from tongpin.grouping.compiled.cache import ReadyScheme
    from tongpin.grouping.explain import Explanation, Reason, WhyNot
    from tongpin.grouping.tables.model import Outcome, SchemeTables

NUMBERS = ("sex", "age", "age_days", "birth_weight", "los", "icu_hours", "code_map")
TEXTS = ("dept", "discharge_way")
CODES = ("dx", "px")
CHECKED = ("sex", "age")
"""A text here that is no number counts as missing: the record check then says what is wrong (check_failed)."""
_SEPARATOR = "|"


class Scheme:
    """A grouping scheme ready for use; immutable, and safe to share between threads.

    Made by `Scheme.load`. Grouping needs the compiled form only; the tables are read when something asks for them.
    """

    def __init__(self, scheme_id: str, folder: Path, ready: ReadyScheme) -> None:
        self._id = scheme_id
        self._folder = folder
        self._ready = ready
        self._tables: SchemeTables | None = None
        self._one: Any = None
        self._reading = Lock()

    @classmethod
    def load(
        cls,
        source: str | Path,
        *,
        home: str | Path | Home | None = None,
        cache: str | Path | bool = True,
        notice: Callable[[str], None] = tell,
    ) -> Scheme:
        """The scheme of a table folder, or the one that a home or Tongpin itself has under an id.

        `home` is a home or its folder (default `$TONGPIN_HOME` or `./tongpin-home`; it need not exist). Compiled forms
        are kept in `cache`: True = with the home, else with the user; False = nowhere; or a folder. `notice` hears of
        long work (default: one line on standard error).
        Raises `SchemeError`: `scheme.unknown` (no such id), and those of `load_scheme` with every fault as findings.
        """
        given = home if isinstance(home, Home) else Home.open(home)
        folder, scheme_id = _found(source, given)
        place = cache_of(folder, given) if cache is True else None if cache is False else Path(cache)
        return cls(scheme_id, folder, compiled_scheme(folder, cache=place, notice=notice))

    @property
    def id(self) -> str:
        """The id, or the name of the folder that the scheme was loaded from."""
        return self._id

    @property
    def title(self) -> str:
        """What the scheme calls itself."""
        return self._ready.title

    @property
    def source(self) -> str:
        """Where the scheme says that it comes from."""
        return self._ready.source

    @property
    def digest(self) -> str:
        """SHA-256 of the tables: two schemes with the same digest give the same groups."""
        return self._ready.digest

    @property
    def groups(self) -> Mapping[str, str]:
        """Every group code of the scheme with its name (empty where it has none), in table order."""
        return self._ready.groups

    @property
    def ready(self) -> ReadyScheme:
        """The compiled form with the dictionaries and the fields that the scheme declares."""
        return self._ready

    @property
    def tables(self) -> SchemeTables:
        """The tables, read at first use.

        Raises `SchemeError` (`scheme.changed`) when they are no longer those that were compiled.
        """
        with self._reading:
            if self._tables is None:
                tables = load_scheme(self._folder, self._id)
                if tables.digest != self.digest:
                    raise SchemeError(
                        "scheme.changed", "方案的表在装入之后被改过", where=str(self._folder), hint="重新 Scheme.load"
                    )
                self._tables = tables
            return self._tables

    def group(self, cases: Any, threads: int = 1) -> Any:
        """The cases with `status, mdc, adrg, drg` appended (dictionary-encoded text), rows in the order they came.

        A table gives a table, a record batch a record batch; a reader or an iterable of batches gives an iterator of
        batches, in order and one at a time, so that a stream of any length needs the memory of one batch. Any other
        object that offers `__arrow_c_stream__` (a pandas or Polars frame) counts as a table. Columns: those of the
        plain case layout, typed (numbers as numbers, codes as lists, principal first), and the fields that the scheme
        declares; what is absent counts as missing. Texts of the plain layout are typed by `typed_cases` first.
        Raises `TongpinError`: `group.column` (a column of a wrong type), `group.cases` (nothing that can be grouped).
        """
        announce_kernel()
        from tongpin.grouping.compiled.stage import group

        compiled = self._ready.compiled
        if isinstance(cases, pa.Table):
            return group(cases, compiled, threads=threads)
        if isinstance(cases, pa.RecordBatch):
            return _batch(group(pa.Table.from_batches([cases]), compiled, threads=threads))
        if isinstance(cases, pa.RecordBatchReader):
            return self._stream(cases, threads)
        if hasattr(cases, "__arrow_c_stream__"):
            return group(pa.table(cases), compiled, threads=threads)
        if isinstance(cases, (str, bytes, dict)) or not hasattr(cases, "__iter__"):
            raise _not_cases(cases)
        return self._stream(cases, threads)

    def _stream(self, batches: Iterable[Any], threads: int) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            if not isinstance(batch, pa.RecordBatch):
                raise _not_cases(batch)
            yield self.group(batch, threads)

    def group_files(
        self, paths: str | Path | Iterable[str | Path], *, keep: Sequence[str] = ("case_id",), threads: int = 1
    ) -> Iterator[pa.Table]:
        """Parquet files of typed cases straight to groups: `keep` and the four result columns, some rows at a time.

        Only the columns that the scheme looks at are read, which is what makes a lake fast.
        Raises `TongpinError` (`group.file`) for a file that cannot be read, and those of `group`.
        """
        announce_kernel()
        from tongpin.grouping.compiled.files import group_files

        one = [paths] if isinstance(paths, (str, Path)) else paths
        return group_files(map(Path, one), self._ready.compiled, keep=keep, threads=threads)

    def group_one(self, case: Case | Mapping[str, Any]) -> Outcome:
        """The outcome (`status, mdc, adrg, drg`) of one case, given as `Case` or as a mapping such as a JSON record.

        A mapping holds the columns of the plain layout: numbers as numbers or texts, codes as a list or joined by `|`,
        empty text or None = missing, as is a sex or an age that is no number; keys that no one knows are left alone.
        Raises `TongpinError` (`group.case`) naming the field that cannot be read.
        """
        if self._one is None:
            announce_kernel()
            from tongpin.grouping.compiled.one import OneCase

            self._one = OneCase(self._ready.compiled)
        outcome: Outcome = self._one.outcome(self.case(case))
        return outcome

    def case(self, record: Case | Mapping[str, Any]) -> Case:
        """A mapping as a `Case` (errors as of `group_one`); a `Case` as it is."""
        if isinstance(record, Case):
            return record
        if "dx" not in record:
            raise TongpinError("group.case", "病例里没有 dx", where="dx", hint="给出诊断编码的列表，主要诊断在前")
        declared = {field.name: field.kind for field in self._ready.fields}
        values: dict[str, Any] = dict(record)
        for name in CODES:
            values[name] = _codes(name, record.get(name))
        for name in (*NUMBERS, *(name for name, kind in declared.items() if kind == "number")):
            values[name] = _number(name, record.get(name))
        for name in (*TEXTS, *(name for name, kind in declared.items() if kind == "text")):
            values[name] = _text(name, record.get(name))
        return Case.of(values)

    def explain(self, case: Case | Mapping[str, Any]) -> Explanation:
        """Why one case is in its group: path, evidence, complications and exclusions (`as_dict()` for JSON)."""
        from tongpin.grouping.explain import explain

        return explain(self.tables, self.case(case))

    def why_not(self, case: Case | Mapping[str, Any], group: str) -> WhyNot:
        """What would have to be otherwise for the case to be in a named DRG, ADRG or MDC."""
        from tongpin.grouping.explain import why_not

        return why_not(self.tables, self.case(case), group)

    def reason(self, case: Case | Mapping[str, Any]) -> Reason:
        """Why a case has no group, from a small closed set of codes (S004-03)."""
        from tongpin.grouping.explain import reason_of

        return reason_of(self.tables, self.case(case))


def _found(source: str | Path, home: Home) -> tuple[Path, str]:
    """The folder and the id that a source stands for: a word is an id first, then a folder of that name."""
    folder = Path(source)
    if isinstance(source, str) and (source in scheme_folders(home) or (len(folder.parts) == 1 and not folder.is_dir())):
        return folder_of(home, source), source
    return folder, folder.resolve().name


def typed_cases(texts: pa.Table) -> pa.Table:
    """A table of the plain layout in which everything is text, as the typed columns that `Scheme.group` reads.

    Known number columns become numbers, `dx` and `px` lists of codes (split at `|`, trimmed, empty ones left out);
    an empty text is missing, and so is a sex or an age that is no number; all other columns stay as they are.
    Raises `TongpinError` (`group.value`) for a text that is no number, naming column and row.
    """
    for index, name in enumerate(texts.column_names):
        column = texts.column(index)
        if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
            continue
        if name in CODES:
            parts = pc.split_pattern(pc.fill_null(column, ""), _SEPARATOR)
            made = pa.chunked_array([_trimmed_lists(chunk) for chunk in parts.chunks], pa.list_(pa.string()))
        elif name in NUMBERS:
            made = _numbers_of(name, column)
        else:
            continue
        texts = texts.set_column(index, name, made)
    return texts


def _trimmed_lists(lists: Any) -> pa.Array:
    """Lists of codes without blanks around them and without empty ones."""
    import numpy as np

    flat = pc.utf8_trim_whitespace(lists.flatten().cast(pa.string()))
    kept = pc.not_equal(flat, "")
    rows = np.asarray(pc.list_parent_indices(lists))[np.asarray(kept.to_numpy(zero_copy_only=False))]
    starts = np.zeros(len(lists) + 1, np.int32)
    np.cumsum(np.bincount(rows, minlength=len(lists)), out=starts[1:])
    return pa.ListArray.from_arrays(pa.array(starts), flat.filter(kept))


def _numbers_of(name: str, column: Any) -> pa.ChunkedArray:
    trimmed = pc.utf8_trim_whitespace(column.cast(pa.string()))
    present = pc.if_else(pc.equal(trimmed, ""), pa.scalar(None, pa.string()), trimmed)
    number = pc.match_substring_regex(present, r"^[+-]?\d+(\.\d*)?$")
    wrong = pc.index(pc.fill_null(number, True), False).as_py()
    if wrong >= 0 and name not in CHECKED:
        value = present[wrong].as_py()
        raise TongpinError(
            "group.value", f"{name} 的“{value}”不是数字", where=f"第 {wrong + 1} 行", hint="改成数字，缺失时留空"
        )
    readable = pc.if_else(number, present, pa.scalar(None, pa.string()))
    plain = pc.replace_substring_regex(readable, pattern=r"^\+", replacement="")
    return plain.cast(pa.float64())


def _batch(table: pa.Table) -> pa.RecordBatch:
    """A table of one batch as that batch."""
    whole = table.combine_chunks()
    batches = whole.to_batches()
    return batches[0] if batches else pa.RecordBatch.from_pylist([], schema=whole.schema)


def _not_cases(given: object) -> TongpinError:
    return TongpinError(
        "group.cases",
        f"不能给 {type(given).__name__} 分组",
        hint="给出 pyarrow 的 Table、RecordBatch、RecordBatchReader 或一批批的 RecordBatch，"
        "pandas、Polars 的表也行；一例用 group_one",
    )


def _codes(name: str, value: Any) -> list[str]:
    if value is None:
        return []
    parts = value.split(_SEPARATOR) if isinstance(value, str) else list(value)
    if not all(isinstance(part, str) for part in parts):
        raise TongpinError("group.case", f"{name} 里有不是文字的编码", where=name, hint="编码写成文字，例如 I63.900")
    return [code for part in parts if (code := part.strip())]


def _number(name: str, value: Any) -> float | None:
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        if name in CHECKED:
            return None
        raise TongpinError(
            "group.case", f"{name} 的“{value}”不是数字", where=name, hint="改成数字，缺失时不写"
        ) from None
    return None if number != number else number  # noqa: PLR0124  # NaN: missing


def _text(name: str, value: Any) -> str | None:
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise TongpinError("group.case", f"{name} 须是文字", where=name, hint="例如 discharge_way 写 1")
    return str(value)
