"""The kernel 分组核: the only loop over cases; bit rows in, an outcome number per case out.

Compiled by Numba; it knows nothing of codes or schemes. A scheme comes as four arrays, in which every array of
`CompiledScheme` has its section (`INTS`, `WORDS`, `REALS`): few objects to hand over, so that one case is quick, too.
Every caller gives the same array types, so that it is compiled once: processes that start together then write the
same cache.

What makes it fast: the principal's class names the few words of rules that are left; one word of the first
procedure's class usually leaves one group; and only then is asked what those few rules ask for: complications, a
number, a text, a set of codes. What nobody asks for is not read.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, types
from numba.extending import intrinsic

INTS = (
    "settings",
    "dx_class",
    "px_class",
    "dx_word_start",
    "dx_word",
    "complication_tables",
    "exclusion_table",
    "ask_start",
    "ask_dimension",
    "cell_start",
    "number_row",
    "threshold_start",
    "condition_start",
    "condition_kind",
    "condition_list",
    "min_sites",
    "rule_outcome",
)
"""The arrays of `CompiledScheme` that make up `ints`, in this order."""
WORDS = ("dx_bits", "px_rows", "ask_bits", "context_rows", "dx_member", "px_member", "site_bit", "special", "no_gates")
"""The arrays of `CompiledScheme` that make up `words`, in this order."""
REALS = ("thresholds",)
SETTINGS = (
    "newborn_days",
    "retry_other_px",
    "ungrouped",
    "check_failed",
    "dx_not_mapped",
    "px_not_mapped",
    "rule_words",
    "dx_member_words",
    "px_member_words",
    "no_px_class",
)
"""The numbers of `CompiledScheme` that make up the section `settings`, in this order."""

# Places are numbered through: the sections of `ints`, then those of `words`. `settings` is section 0 and starts at 0.
_DX_CLASS = INTS.index("dx_class")
_PX_CLASS = INTS.index("px_class")
_DX_WORD_START = INTS.index("dx_word_start")
_DX_WORD = INTS.index("dx_word")
_COMPLICATION_TABLES = INTS.index("complication_tables")
_EXCLUSION_TABLE = INTS.index("exclusion_table")
_ASK_START = INTS.index("ask_start")
_ASK_DIMENSION = INTS.index("ask_dimension")
_CELL_START = INTS.index("cell_start")
_NUMBER_ROW = INTS.index("number_row")
_THRESHOLD_START = INTS.index("threshold_start")
_CONDITION_START = INTS.index("condition_start")
_CONDITION_KIND = INTS.index("condition_kind")
_CONDITION_LIST = INTS.index("condition_list")
_MIN_SITES = INTS.index("min_sites")
_RULE_OUTCOME = INTS.index("rule_outcome")
_DX_BITS = len(INTS) + WORDS.index("dx_bits")
_PX_ROWS = len(INTS) + WORDS.index("px_rows")
_ASK_BITS = len(INTS) + WORDS.index("ask_bits")
_CONTEXT_ROWS = len(INTS) + WORDS.index("context_rows")
_DX_MEMBER = len(INTS) + WORDS.index("dx_member")
_PX_MEMBER = len(INTS) + WORDS.index("px_member")
_SITE_BIT = len(INTS) + WORDS.index("site_bit")
_SPECIAL = len(INTS) + WORDS.index("special")
_NO_GATES = len(INTS) + WORDS.index("no_gates")
_NEWBORN_DAYS = SETTINGS.index("newborn_days")
_RETRY_OTHER_PX = SETTINGS.index("retry_other_px")
_UNGROUPED = SETTINGS.index("ungrouped")
_CHECK_FAILED = SETTINGS.index("check_failed")
_DX_NOT_MAPPED = SETTINGS.index("dx_not_mapped")
_PX_NOT_MAPPED = SETTINGS.index("px_not_mapped")
_RULE_WORDS = SETTINGS.index("rule_words")
_DX_MEMBER_WORDS = SETTINGS.index("dx_member_words")
_PX_MEMBER_WORDS = SETTINGS.index("px_member_words")
_NO_PX_CLASS = SETTINGS.index("no_px_class")

_ZERO, _ONE = np.uint64(0), np.uint64(1)
_at = np.uint64
"""Every index is unsigned: for a signed one Numba would ask each time whether it counts from the end."""


def _compiled(function: Any) -> Any:
    """Compiled and kept on disk; where no folder can be written (Numba: RuntimeError), each process compiles anew.

    Without the reference counts of Numba's run time (`_nrt`): the kernel makes no array, its caller holds them all, and
    counting them at every part of every case would take two thirds of the time.
    """
    try:
        return njit(cache=True, nogil=True, _nrt=False)(function)
    except RuntimeError:
        return njit(nogil=True, _nrt=False)(function)


def _part(function: Any) -> Any:
    """A part of the kernel, compiled into it: a call would pass every field of every array anew."""
    return njit(nogil=True, forceinline=True, _nrt=False)(function)


@intrinsic  # type: ignore[untyped-decorator]
def _trailing_zeros(_typing: Any, word: Any) -> Any:
    """Position of the lowest set bit of a word that is not zero; one instruction of the processor."""

    def code(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], context.get_constant(types.boolean, True))

    return types.uint64(word), code


@_part
def _number_cell(reals: Any, first: int, last: int, value: Any) -> Any:
    """0 = missing (NaN), then 1 + 2 x thresholds below, plus 1 when the value is exactly the next one."""
    if np.isnan(value):
        return 0
    for index in range(first, last):
        if value <= reals[_at(index)]:
            return 1 + 2 * (index - first) + (value == reals[_at(index)])
    return 1 + 2 * (last - first)


@_part
def _complication_cell(ints: Any, places: Any, lookup: Any, mapped: int, index: Any, first: int, last: int) -> int:
    """2 with an MCC plus 1 with a CC among the secondaries whose table is not the principal's."""
    if first + 1 >= last:
        return 0
    tables = places[_COMPLICATION_TABLES]
    exclusion = ints[_at(places[_EXCLUSION_TABLE] + lookup[_at(mapped), _at(index[_at(first)])])]
    mcc, cc = 0, 0
    for position in range(first + 1, last):
        at = tables + 2 * lookup[_at(mapped), _at(index[_at(position)])]
        if ints[_at(at)] >= 0 and ints[_at(at)] != exclusion:
            mcc = 2
        if ints[_at(at + 1)] >= 0 and ints[_at(at + 1)] != exclusion:
            cc = 1
    return mcc + cc


@_part
def _any_listed(
    words: Any, start: int, width: int, number: int, lookup: Any, mapped: int, index: Any, first: int, last: int
) -> bool:
    """Whether one of the codes is in the list of that number."""
    mask = _ONE << np.uint64(number & 63)
    place = start + (number >> 6)
    for position in range(first, last):
        if words[_at(place + width * lookup[_at(mapped), _at(index[_at(position)])])] & mask != _ZERO:
            return True
    return False


@_part
def _site_count(words: Any, start: int, lookup: Any, mapped: int, index: Any, first: int, last: int) -> int:
    """The number of different body sites of all diagnoses."""
    sites = _ZERO
    for position in range(first, last):
        sites |= words[_at(start + lookup[_at(mapped), _at(index[_at(position)])])]
    count = 0
    while sites != _ZERO:
        sites &= sites - _ONE
        count += 1
    return count


@_part
def _specials_hold(
    ints: Any,
    words: Any,
    places: Any,
    rule: int,
    mapped: int,
    dx_lookup: Any,
    dx_index: Any,
    first_dx: int,
    last_dx: int,
    px_lookup: Any,
    px_index: Any,
    first_px: int,
    last_px: int,
) -> bool:
    """The conditions of a rule that one value cannot tell: body sites, and sets of codes.

    A condition kind is 4 x negated + 2 x of procedures + 1 x without the first code.
    """
    sites = ints[_at(places[_MIN_SITES] + rule)]
    if sites > 0 and _site_count(words, places[_SITE_BIT], dx_lookup, mapped, dx_index, first_dx, last_dx) < sites:
        return False
    start = places[_CONDITION_START] + rule
    for at in range(ints[_at(start)], ints[_at(start + 1)]):
        kind = ints[_at(places[_CONDITION_KIND] + at)]
        number = ints[_at(places[_CONDITION_LIST] + at)]
        skipped = kind & 1
        if kind & 2:
            width = ints[_PX_MEMBER_WORDS]
            held = _any_listed(
                words, places[_PX_MEMBER], width, number, px_lookup, mapped, px_index, first_px + skipped, last_px
            )
        else:
            width = ints[_DX_MEMBER_WORDS]
            held = _any_listed(
                words, places[_DX_MEMBER], width, number, dx_lookup, mapped, dx_index, first_dx + skipped, last_dx
            )
        if held == (kind >= 4):  # noqa: PLR2004 - the bit of negation
            return False
    return True


@_part
def _first_rule(
    ints: Any,
    words: Any,
    reals: Any,
    places: Any,
    numbers: Any,
    texts: Any,
    case: int,
    mapped: int,
    dx_lookup: Any,
    dx_index: Any,
    first_dx: int,
    last_dx: int,
    px_lookup: Any,
    px_index: Any,
    first_px: int,
    last_px: int,
    gates: bool,
    cells: Any,
) -> Any:
    """The first rule to which nothing objects, −1 without one.

    Word by word, in order; within a word only what its surviving rules ask about. `cells` keeps the context cells of
    the case once they are known; −1 is not known yet.
    """
    width = ints[_RULE_WORDS]
    principal = dx_lookup[_at(mapped), _at(dx_index[_at(first_dx)])] if last_dx > first_dx else 0
    dx_class = ints[_at(places[_DX_CLASS] + principal)]
    if last_px > first_px:
        px_class = ints[_at(places[_PX_CLASS] + px_lookup[_at(mapped), _at(px_index[_at(first_px)])])]
    else:
        px_class = ints[_NO_PX_CLASS]
    px_row = places[_PX_ROWS] + width * px_class
    start = places[_DX_WORD_START] + dx_class
    for at in range(ints[_at(start)], ints[_at(start + 1)]):
        word = ints[_at(places[_DX_WORD] + at)]
        bits = words[_at(places[_DX_BITS] + at)] & words[_at(px_row + word)]
        if not gates:
            bits &= words[_at(places[_NO_GATES] + word)]
        if bits == _ZERO:
            continue
        ask = places[_ASK_START] + word
        for asked in range(ints[_at(ask)], ints[_at(ask + 1)]):
            if bits & words[_at(places[_ASK_BITS] + asked)] != _ZERO:
                dimension = ints[_at(places[_ASK_DIMENSION] + asked)]
                cell = cells[_at(dimension)]
                if cell < 0:
                    cell = ints[_at(places[_CELL_START] + dimension)]
                    if dimension == 0:
                        cell += _complication_cell(ints, places, dx_lookup, mapped, dx_index, first_dx, last_dx)
                    elif dimension <= texts.shape[0]:
                        cell += texts[_at(dimension - 1), case]
                    else:
                        number = dimension - 1 - texts.shape[0]
                        threshold = places[_THRESHOLD_START] + number
                        value = numbers[_at(ints[_at(places[_NUMBER_ROW] + number)]), case]
                        cell += _number_cell(reals, ints[_at(threshold)], ints[_at(threshold + 1)], value)
                    cells[_at(dimension)] = cell
                bits &= words[_at(places[_CONTEXT_ROWS] + width * cell + word)]
        special = words[_at(places[_SPECIAL] + word)]
        while bits != _ZERO:
            bit = _trailing_zeros(bits)
            rule = word * 64 + np.int64(bit)
            if (special >> bit) & _ONE == _ZERO or _specials_hold(
                ints,
                words,
                places,
                rule,
                mapped,
                dx_lookup,
                dx_index,
                first_dx,
                last_dx,
                px_lookup,
                px_index,
                first_px,
                last_px,
            ):
                return rule
            bits &= bits - _ONE
    return -1


@_part
def _is_mapped(lookup: Any, index: Any, first: int, last: int) -> Any:
    """Whether the code map knows every code."""
    unknown = 0
    for position in range(first, last):
        unknown += lookup[1, index[_at(position)]] < 0
    return unknown == 0


@_part
def _is_complete(numbers: Any, case: int, newborn_days: int) -> Any:
    """The record check: sex, age, and for a newborn its days and its weight."""
    sex, age = numbers[0, case], numbers[1, case]
    if not (sex == 1 or sex == 2) or np.isnan(age):  # noqa: PLR1714, PLR2004 - one comparison each; the codes of sex
        return False
    if age != 0:
        return True
    days = numbers[2, case]
    return not np.isnan(days) and (days > newborn_days or not np.isnan(numbers[3, case]))


@_compiled
def group_cases(
    ints: Any,
    words: Any,
    reals: Any,
    places: Any,
    numbers: Any,
    texts: Any,
    mapped_cases: Any,
    dx_lookup: Any,
    dx_start: Any,
    dx_stop: Any,
    dx_index: Any,
    px_lookup: Any,
    px_start: Any,
    px_stop: Any,
    px_index: Any,
    cells: Any,
    result: Any,
) -> None:
    """Write the outcome number of every case into `result` (cases,) int32.

    `numbers` is (fields, cases) float64 with NaN for missing, in the order of `number_fields`; `texts` is (fields,
    cases) int32, the cell within its dimension. `dx_start` and `dx_stop` (cases,) int32 bound the codes of a case in
    `dx_index` uint32; `dx_lookup` (2, dictionary) int32 turns those into code numbers, row 0 as they are, row 1 through
    the code map with −1 for unknown; `mapped_cases` (cases,) uint8 tells which row, empty for none. Procedures
    likewise. The caller vouches that every start, stop and index is within its array.
    """
    for case in range(result.shape[0]):
        first_dx, last_dx = dx_start[case], dx_stop[case]
        first_px, last_px = px_start[case], px_stop[case]
        mapped = 0
        if mapped_cases.shape[0] > 0 and mapped_cases[case] != 0:
            mapped = 1
            # A case without any diagnosis carries the empty code, which no code map knows.
            if first_dx == last_dx or not _is_mapped(dx_lookup, dx_index, first_dx, last_dx):
                result[case] = ints[_DX_NOT_MAPPED]
                continue
            if not _is_mapped(px_lookup, px_index, first_px, last_px):
                result[case] = ints[_PX_NOT_MAPPED]
                continue
        if not _is_complete(numbers, case, ints[_NEWBORN_DAYS]):
            result[case] = ints[_CHECK_FAILED]
            continue
        for dimension in range(cells.shape[0]):
            cells[_at(dimension)] = -1
        # The first pass takes all procedures; where a scheme retries, each other one follows as the only one.
        rule, passes = -1, 1
        if ints[_RETRY_OTHER_PX] != 0:
            passes = max(1, last_px - first_px)
        for attempt in range(passes):
            rule = _first_rule(
                ints,
                words,
                reals,
                places,
                numbers,
                texts,
                case,
                mapped,
                dx_lookup,
                dx_index,
                first_dx,
                last_dx,
                px_lookup,
                px_index,
                first_px + attempt,
                last_px if attempt == 0 else first_px + attempt + 1,
                attempt == 0,
                cells,
            )
            if rule >= 0:
                break
        result[case] = ints[_at(places[_RULE_OUTCOME] + rule)] if rule >= 0 else ints[_UNGROUPED]
