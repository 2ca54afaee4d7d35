"""Policy values as columns: each distinct combination of date and dimensions is looked up once, then gathered."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.errors import PolicyError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import date

    import numpy.typing as npt

    from tongpin.payment.policy.policy import Policy

    IntColumn = npt.NDArray[np.int64]
    TextColumn = npt.NDArray[np.str_]
    DayColumn = npt.NDArray[np.datetime64]

    BoolColumn = npt.NDArray[np.bool_]

_DIRECT = 2**22
"""Up to so many combinations of dimensions are counted out in a table; more are found by hashing."""


class Coded(NamedTuple):
    """A text column as codes into its distinct values; a missing value is the empty text."""

    codes: IntColumn
    values: list[str]

    def mask(self, wish: Callable[[str], bool]) -> BoolColumn:
        """Which rows hold a value that is wished for; each distinct value is asked once."""
        wished = [wish(value) for value in self.values]
        if not wished or all(wished) or not any(wished):
            return np.full(len(self.codes), bool(wished and wished[0]))
        found: BoolColumn = np.array(wished)[self.codes]
        return found

    def equals(self, text: str) -> BoolColumn:
        """Which rows hold the text."""
        return self.mask(lambda value: value == text)

    def take(self, rows: Any) -> Coded:
        """The same values for some of the rows."""
        return Coded(self.codes[rows], self.values)

    def as_list(self) -> list[str]:
        """The text of each row."""
        return [self.values[code] for code in self.codes.tolist()]

    def texts(self) -> pa.Array:
        """The column as Arrow strings."""
        if len(self.values) == 1:
            return pa.repeat(self.values[0], len(self.codes))
        return pa.array(self.values, pa.string()).take(pa.array(self.codes))


def coded(column: Any) -> Coded:
    """The distinct texts of an Arrow or NumPy column and the code of each row."""
    texts = pa.chunked_array([pa.array(column)]) if isinstance(column, np.ndarray) else column
    if not pa.types.is_dictionary(texts.type):
        texts = pc.dictionary_encode(pc.cast(texts, pa.string()), null_encoding="encode")
    merged = texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts
    if isinstance(merged, pa.ChunkedArray):  # pieces with dictionaries of their own
        merged = merged.unify_dictionaries().combine_chunks()
    values = [value or "" for value in merged.dictionary.to_pylist()]
    indices = merged.indices
    if indices.null_count:
        indices = pc.fill_null(indices, len(values))
        values.append("")
    return _distinct(Coded(indices.to_numpy(zero_copy_only=False).astype(np.int64), values))


def _distinct(found: Coded) -> Coded:
    """The same column with each value once: a null and an empty text are one."""
    if len(set(found.values)) == len(found.values):
        return found
    values = list(dict.fromkeys(found.values))
    places = np.array([values.index(value) for value in found.values])
    return Coded(places[found.codes], values)


class _Combinations(NamedTuple):
    """The distinct combinations of some dimensions: a row that shows each, and the combination of each row."""

    example: IntColumn
    of_row: IntColumn


class Lookup:
    """Looks policy values up for every case of a table.

    `days` is the edition date of each case, `dimensions` its coded texts (or how to make them, when first asked for);
    `case_ids` name an example in a refusal, at `places` where the cases are some of a larger table.
    """

    def __init__(
        self,
        policy: Policy,
        days: DayColumn,
        case_ids: Any,
        dimensions: Mapping[str, Coded | Callable[[], Coded]],
        *,
        places: IntColumn | None = None,
        epochs: Callable[[], IntColumn] | None = None,
    ) -> None:
        self.policy = policy
        self.days = days
        self.dimensions = dict(dimensions)
        self._case_ids = case_ids
        self._places = places
        self._known_epochs = epochs
        self._combined: dict[tuple[str, ...], _Combinations] = {}

    @cached_property
    def _epochs(self) -> IntColumn:
        """How many of the edition's changes since the first case lie behind each case."""
        if self._known_epochs is not None:
            return self._known_epochs()
        if not len(self.days):
            return np.zeros(0, dtype=np.int64)
        first, last = self.days.min(), self.days.max()
        breakpoints = np.array(self.policy.breakpoints, dtype="datetime64[D]")
        within = breakpoints[(breakpoints > first) & (breakpoints <= last)]
        if not len(within):
            return np.zeros(len(self.days), dtype=np.int64)
        found: IntColumn = (self.days >= within[0]).astype(np.int64)
        for later in within[1:]:
            found += self.days >= later
        return found

    def dimension(self, name: str) -> Coded:
        """The coded texts of a dimension."""
        found = self.dimensions[name]
        if not isinstance(found, Coded):
            found = self.dimensions[name] = found()
        return found

    def narrowed(self, rows: IntColumn) -> Lookup:
        """The same look-up for some of the cases only, so that a gap that no case needs refuses nothing."""
        if len(rows) == len(self.days):
            return self

        def of(name: str) -> Callable[[], Coded]:
            return lambda: self.dimension(name).take(rows)

        def epochs() -> IntColumn:
            found: IntColumn = self._epochs[rows]
            return found

        places = rows if self._places is None else self._places[rows]
        dimensions = {name: of(name) for name in self.dimensions}
        return Lookup(self.policy, self.days[rows], self._case_ids, dimensions, places=places, epochs=epochs)

    def with_dimensions(self, dimensions: Mapping[str, Coded]) -> Lookup:
        """The same cases with more dimensions, or others in the place of known ones."""
        known = {**self.dimensions, **dimensions}
        made = Lookup(self.policy, self.days, self._case_ids, known, places=self._places, epochs=lambda: self._epochs)
        # What was told apart without the new dimensions is told apart as before.
        made._combined = {names: one for names, one in self._combined.items() if dimensions.keys().isdisjoint(names)}
        return made

    def case_name(self, row: int) -> str:
        """The id of a case, to name it in a refusal."""
        name: str = self._case_ids[int(row if self._places is None else self._places[row])].as_py()
        return name

    def over(self, names: tuple[str, ...], find: Callable[[date, dict[str, str]], Any]) -> Any:
        """`find` for each case, called once for each distinct combination of value dates and named dimensions."""
        combined = self._combinations(names)
        found = np.array(self._find(names, combined, find))
        if not len(combined.example):
            return np.array([])
        return np.full(len(self.days), found[0]) if len(found) == 1 else found[combined.of_row]

    def coded_over(self, names: tuple[str, ...], find: Callable[[date, dict[str, str]], str]) -> Coded:
        """As `over` for texts, as codes into the distinct texts."""
        combined = self._combinations(names)
        found = self._find(names, combined, find)
        values = list(dict.fromkeys(found))
        places = np.array([values.index(value) for value in found], dtype=np.int64)
        if len(values) <= 1:
            return Coded(np.zeros(len(self.days), dtype=np.int64), values)
        return Coded(places[combined.of_row], values)

    def _combinations(self, names: tuple[str, ...]) -> _Combinations:
        if names not in self._combined:
            key = self._epochs
            space = int(key.max(initial=0)) + 1
            for name in names:
                codes, values = self.dimension(name)
                if len(values) > 1:
                    key = key * len(values) + codes if space > 1 else codes
                    space *= len(values)
            self._combined[names] = _combinations(key, space)
        return self._combined[names]

    def _find(
        self,
        names: tuple[str, ...],
        combined: _Combinations,
        find: Callable[[date, dict[str, str]], Any],
    ) -> list[Any]:
        """What is found for the example of each combination."""
        days = self.days[combined.example].tolist()
        texts = [self.dimension(name).take(combined.example).as_list() for name in names]
        found = []
        for place, on in enumerate(days):
            try:
                found.append(find(on, {name: text[place] for name, text in zip(names, texts, strict=True)}))
            except PolicyError as error:
                message = f"{error.message}（例如病例 {self.case_name(int(combined.example[place]))}）"
                raise PolicyError(error.code, message, where=error.where, hint=error.hint) from None
        return found

    def choices(self, key: str) -> Coded:
        """A choice or a text of the policy for each case, coded."""
        by = self._by(key)
        return self.coded_over(by, lambda on, chosen: str(self.policy.value(key, on, **chosen)))

    def texts(self, key: str) -> TextColumn:
        """A choice or a text of the policy for each case."""
        found: TextColumn = self._values(key).astype(np.str_)
        return found

    def numbers(self, key: str) -> IntColumn:
        """Whole fen or days of the policy for each case."""
        found: IntColumn = self._values(key).astype(np.int64, copy=False)
        return found

    def scaled(self, key: str) -> IntColumn:
        """A ratio of the policy for each case, in ten-thousandths."""
        by = self._by(key)
        values = self.over(by, lambda on, chosen: self.policy.scaled(key, on, **chosen))
        found: IntColumn = values.astype(np.int64, copy=False)
        return found

    def listed(self, key: str, name: str) -> BoolColumn:
        """Which cases have the value of a dimension on a code list of the policy."""
        by = (name,) if len(self.days) else ()
        found: BoolColumn = self.over(by, lambda on, c: c[name] in self.policy.value(key, on)).astype(bool)
        return found

    def _values(self, key: str) -> Any:
        by = self._by(key)
        return self.over(by, lambda on, chosen: self.policy.value(key, on, **chosen))

    def _by(self, key: str) -> tuple[str, ...]:
        """The dimensions of the parameter; without cases nothing is looked up, so that a gap refuses nothing."""
        return self.policy.parameter(key).by if len(self.days) else ()


def _combinations(key: IntColumn, space: int) -> _Combinations:
    """The distinct values of a key below `space`, in ascending order, and which of them each row holds."""
    if space > _DIRECT:
        encoded = pc.dictionary_encode(pa.array(key))
        key, space = encoded.indices.to_numpy().astype(np.int64), len(encoded.dictionary)
    if space == 1 and len(key):
        return _Combinations(np.array([len(key) - 1]), np.zeros(len(key), dtype=np.int64))
    shown = np.full(space, -1, dtype=np.int64)
    shown[key] = np.arange(len(key))
    met = shown >= 0
    example = shown[met]
    of_row = np.zeros(len(key), dtype=np.int64) if len(example) == 1 else (np.cumsum(met) - 1)[key]
    return _Combinations(example, of_row)
