"""Policy values as columns: each distinct combination of date and dimensions is looked up once, then gathered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.errors import PolicyError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    import numpy.typing as npt

    from tongpin.payment.policy.policy import Policy

    IntColumn = npt.NDArray[np.int64]
    TextColumn = npt.NDArray[np.str_]
    DayColumn = npt.NDArray[np.datetime64]


class Coded(NamedTuple):
    """A text column as codes into its distinct values; a missing value is the empty text."""

    codes: IntColumn
    values: list[str]


def coded(column: Any) -> Coded:
    """The distinct texts of an Arrow or NumPy column and the code of each row."""
    texts = pa.chunked_array([pa.array(column)]) if isinstance(column, np.ndarray) else column
    plain = pc.fill_null(pc.cast(texts, pa.string()), "")
    encoded = pc.dictionary_encode(plain)
    merged = encoded.combine_chunks() if isinstance(encoded, pa.ChunkedArray) else encoded
    codes = merged.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    return Coded(codes, merged.dictionary.to_pylist())


class Lookup:
    """Looks policy values up for every case of a table.

    `days` is the edition date of each case, `dimensions` its coded texts; `case_ids` name an example in a refusal.
    """

    def __init__(self, policy: Policy, days: DayColumn, case_ids: Any, dimensions: dict[str, Coded]) -> None:
        self.policy = policy
        self.days = days
        self.case_ids = case_ids
        self.dimensions = dimensions
        breakpoints = np.array(policy.breakpoints, dtype="datetime64[D]")
        self._epochs = np.searchsorted(breakpoints, days, side="right").astype(np.int64)

    def over(self, names: tuple[str, ...], find: Callable[[date, dict[str, str]], Any]) -> Any:
        """`find` for each case, called once for each distinct combination of value dates and named dimensions."""
        key = self._epochs
        for name in names:
            codes, values = self.dimensions[name]
            key = key * max(len(values), 1) + codes
        _, first, inverse = np.unique(key, return_index=True, return_inverse=True)
        found = [self._find_one(int(row), names, find) for row in first]
        return np.array(found)[inverse] if found else np.array([])

    def _find_one(
        self,
        row: int,
        names: tuple[str, ...],
        find: Callable[[date, dict[str, str]], Any],
    ) -> Any:
        chosen = {name: self.dimensions[name].values[self.dimensions[name].codes[row]] for name in names}
        try:
            return find(self.days[row].item(), chosen)
        except PolicyError as error:
            message = f"{error.message}（例如病例 {self.case_ids[row].as_py()}）"
            raise PolicyError(error.code, message, where=error.where, hint=error.hint) from None

    def texts(self, key: str) -> TextColumn:
        """A choice or a text of the policy for each case."""
        found: TextColumn = self._values(key).astype(np.str_)
        return found

    def numbers(self, key: str) -> IntColumn:
        """Whole fen or days of the policy for each case."""
        found: IntColumn = self._values(key).astype(np.int64)
        return found

    def scaled(self, key: str) -> IntColumn:
        """A ratio of the policy for each case, in ten-thousandths."""
        by = self._by(key)
        found: IntColumn = self.over(by, lambda on, chosen: self.policy.scaled(key, on, **chosen)).astype(np.int64)
        return found

    def _values(self, key: str) -> Any:
        by = self._by(key)
        return self.over(by, lambda on, chosen: self.policy.value(key, on, **chosen))

    def _by(self, key: str) -> tuple[str, ...]:
        """The dimensions of the parameter; without cases nothing is looked up, so that a gap refuses nothing."""
        return self.policy.parameter(key).by if len(self.days) else ()
