"""One case 单例: the kernel on a single case, without a table; for the workbench, a service, a notebook.

`OneCase(scheme)` is prepared once and then shared by any number of threads; it never changes.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tongpin.grouping.compiled.columns import frozen, refuse
from tongpin.grouping.compiled.kernel import group_cases
from tongpin.grouping.compiled.stage import compiled
from tongpin.grouping.tables.model import Outcome

if TYPE_CHECKING:
    import numpy.typing as npt

    from tongpin.grouping.compiled.compiler import CompiledScheme
    from tongpin.grouping.tables.interpreter import Case
    from tongpin.grouping.tables.model import SchemeTables


class Interned(NamedTuple):
    """A case as the kernel reads it: numbers (fields, 1), text cells (fields, 1), code numbers, principal first.

    `rejected` is the number of the outcome when the code map does not know a code, else −1.
    """

    numbers: npt.NDArray[np.float64]
    texts: npt.NDArray[np.int32]
    dx: npt.NDArray[np.uint32]
    px: npt.NDArray[np.uint32]
    rejected: int


class OneCase:
    """Grouping of single cases by one scheme; the same answers as `group` and the interpreter."""

    def __init__(self, scheme: SchemeTables | CompiledScheme) -> None:
        tables = compiled(scheme)
        self._tables = tables
        self._packed = tables.packed
        self._outcomes: tuple[Outcome, ...] = tuple(
            Outcome(*words) for words in zip(tables.statuses, tables.mdcs, tables.adrgs, tables.drgs, strict=True)
        )
        self._text_values = [(name, tables.text_values[name]) for name in tables.text_fields]
        # Interned codes are numbers of the scheme already: each stands for itself.
        self._dx_lookup, self._px_lookup = (_same(len(ids)) for ids in (tables.dx_ids, tables.px_ids))
        self._dimensions = len(tables.cell_start)
        self._not_mapped = frozen(np.zeros(0, np.uint8))
        self._zero = frozen(np.zeros(1, np.int32))
        self._counts = [frozen(np.full(1, count, np.int32)) for count in range(64)]

    def intern(self, case: Case) -> Interned:
        """The case with its codes as numbers of the scheme, translated first where it asks for the code map.

        Raises `TongpinError` (`group.column`) for a number that is no number and a text that is no text.
        """
        tables = self._tables
        dx_ids, px_ids = tables.dx_ids, tables.px_ids
        rejected = -1
        if case.code_map:
            dx_ids, px_ids = tables.dx_map_ids, tables.px_map_ids
            if not case.dx or any(code not in dx_ids for code in case.dx):
                rejected = tables.dx_not_mapped
            elif any(code not in px_ids for code in case.px):
                rejected = tables.px_not_mapped
        numbers = [[self._number(name, case.value(name))] for name in tables.number_fields]
        texts = [values.get(self._text(name, case.value(name)), 0) for name, values in self._text_values]
        return Interned(
            frozen(np.array(numbers, np.float64)),
            frozen(np.array(texts, np.int32).reshape(-1, 1)),
            frozen(np.array([dx_ids.get(code, 0) for code in case.dx], np.uint32)),
            frozen(np.array([px_ids.get(code, 0) for code in case.px], np.uint32)),
            rejected,
        )

    def outcome_of(self, interned: Interned) -> Outcome:
        """The group of a case that was interned by this scheme."""
        if interned.rejected >= 0:
            return self._outcomes[interned.rejected]
        result = np.empty(1, np.int32)
        group_cases(
            *self._packed,
            interned.numbers,
            interned.texts,
            self._not_mapped,
            self._dx_lookup,
            self._zero,
            self._count(interned.dx),
            interned.dx,
            self._px_lookup,
            self._zero,
            self._count(interned.px),
            interned.px,
            np.empty(self._dimensions, np.int32),
            result,
        )
        return self._outcomes[int(result[0])]

    def outcome(self, case: Case) -> Outcome:
        """The group of a case."""
        return self.outcome_of(self.intern(case))

    @staticmethod
    def _text(name: str, value: Any) -> str:
        if value is None:
            return ""
        if isinstance(value, str):
            return value
        raise refuse(name, type(value).__name__, "文本")

    @staticmethod
    def _number(name: str, value: Any) -> float:
        if value is None:
            return math.nan
        if not isinstance(value, (int, float)):
            raise refuse(name, type(value).__name__, "数字")
        try:
            return float(value)
        except OverflowError:  # an integer past all thresholds
            return math.inf if value > 0 else -math.inf

    def _count(self, codes: Any) -> Any:
        count = len(codes)
        return self._counts[count] if count < len(self._counts) else frozen(np.full(1, count, np.int32))


def _same(count: int) -> Any:
    """A lookup in which each of the numbers 0…count stands for itself."""
    return frozen(np.vstack([np.arange(count + 1, dtype=np.int32)] * 2))
