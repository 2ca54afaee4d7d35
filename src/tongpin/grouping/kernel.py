"""The kernel 分组核: the only loop over cases; bit rows in, an outcome number per case out.

Compiled by Numba; it reads arrays within their bounds only and knows nothing of codes or schemes. Every caller gives
the same array types, so that it is compiled once: processes that start together then write the same cache.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

_ONE = np.uint64(1)
_ZERO = np.uint64(0)


def _compiled(function: Any) -> Any:
    """Compiled and kept on disk; where no folder can be written (Numba: RuntimeError), each process compiles anew."""
    try:
        return njit(cache=True, nogil=True)(function)
    except RuntimeError:
        return njit(nogil=True)(function)


@_compiled
def _lowest_bit(word: Any) -> int:
    """Position of the lowest set bit of a word that is not zero."""
    position = 0
    for step in (32, 16, 8, 4, 2, 1):
        if word & ((_ONE << np.uint64(step)) - _ONE) == _ZERO:
            word >>= np.uint64(step)
            position += step
    return position


@_compiled
def _number_cell(value: Any, thresholds: Any, count: int) -> int:
    """0 = missing (NaN), then 1 + 2 x thresholds below, plus 1 when the value is exactly the next one."""
    if np.isnan(value):
        return 0
    for index in range(count):
        if value < thresholds[index]:
            return 1 + 2 * index
        if value == thresholds[index]:
            return 2 + 2 * index
    return 1 + 2 * count


@_compiled
def _set_conditions_hold(need: Any, forbid: Any, member: Any) -> bool:
    """The set conditions of one rule: every needed list met, no forbidden one, for each kind."""
    for kind in range(need.shape[0]):
        for word in range(need.shape[1]):
            if need[kind, word] & ~member[kind, word] or forbid[kind, word] & member[kind, word]:
                return False
    return True


@_compiled
def _first_rule(
    dx_row: Any,
    px_row: Any,
    context_rows: Any,
    cells: Any,
    mask: Any,
    member: Any,
    site_count: int,
    is_special: Any,
    special_need: Any,
    special_forbid: Any,
    rule_min_sites: Any,
) -> Any:
    """The lowest rule of `mask` to which nothing objects, −1 without one.

    Word by word, since most words are empty after the principal diagnosis, and the first hit ends the search.
    """
    for word in range(dx_row.shape[0]):
        bits = dx_row[word] & px_row[word] & mask[word]
        for cell in cells:
            if bits == _ZERO:
                break
            bits &= context_rows[cell, word]
        while bits != _ZERO:
            rule = word * 64 + _lowest_bit(bits)
            if not is_special[rule] or (
                site_count >= rule_min_sites[rule]
                and _set_conditions_hold(special_need[rule], special_forbid[rule], member)
            ):
                return rule
            bits &= bits - _ONE
    return -1


@_compiled
def group_cases(
    sex: Any,
    numbers: Any,
    text_cells: Any,
    dx_start: Any,
    dx_codes: Any,
    px_start: Any,
    px_codes: Any,
    unmapped: Any,
    dx_class: Any,
    px_class: Any,
    dx_rows: Any,
    px_rows: Any,
    dx_member: Any,
    px_member: Any,
    mcc_table: Any,
    cc_table: Any,
    exclusion_table: Any,
    site_bit: Any,
    context_rows: Any,
    sex_start: int,
    complication_start: int,
    number_thresholds: Any,
    number_counts: Any,
    number_starts: Any,
    special_need: Any,
    special_forbid: Any,
    is_special: Any,
    rule_min_sites: Any,
    all_rules: Any,
    no_gates: Any,
    rule_outcome: Any,
    fixed_outcomes: Any,
    newborn_days: int,
    retry_other_px: bool,
) -> Any:
    """Outcome number per case (int32).

    `sex` is 1, 2 or 0 for everything else; `numbers` is (fields, cases) float64 with NaN for missing, in the order of
    `number_fields`; `text_cells` is (fields, cases) of context cells; `dx_start` and `px_start` are offsets
    (cases + 1) into flat code ids; `unmapped` is 0, 1 (a diagnosis) or 2 (a procedure) per case;
    `fixed_outcomes` = ungrouped, check failed, dx and px not mapped. The other arrays are those of `CompiledScheme`.
    """
    count = sex.shape[0]
    result = np.empty(count, np.int32)
    # The lists met by the case, a row a kind in the order of `SPECIALS`: any dx, other dx, any px, other px.
    member = np.zeros((special_need.shape[1], dx_member.shape[1]), np.uint64)
    # The context cells of the case: sex, complications, the texts, then the numbers.
    texts = text_cells.shape[0]
    cells = np.empty(2 + texts + number_counts.shape[0], np.int64)
    for case in range(count):
        if unmapped[case] != 0:
            result[case] = fixed_outcomes[1 + unmapped[case]]
            continue
        age, age_days = numbers[0, case], numbers[1, case]
        complete = sex[case] != 0 and not np.isnan(age)
        if complete and age == 0:
            complete = not np.isnan(age_days) and (age_days > newborn_days or not np.isnan(numbers[2, case]))
        if not complete:
            result[case] = fixed_outcomes[1]
            continue
        first_dx, last_dx = dx_start[case], dx_start[case + 1]
        first_px, last_px = px_start[case], px_start[case + 1]
        principal = dx_codes[first_dx] if last_dx > first_dx else 0
        exclusion = exclusion_table[principal]
        mcc, cc = False, False
        sites = site_bit[principal]
        for word in range(member.shape[1]):
            member[0, word] = dx_member[principal, word]
            member[1, word] = _ZERO
            member[2, word] = _ZERO
            member[3, word] = _ZERO
        for index in range(first_dx + 1, last_dx):
            code = dx_codes[index]
            sites |= site_bit[code]
            table = mcc_table[code]
            mcc |= table >= 0 and (exclusion < 0 or table != exclusion)
            table = cc_table[code]
            cc |= table >= 0 and (exclusion < 0 or table != exclusion)
            for word in range(member.shape[1]):
                member[1, word] |= dx_member[code, word]
        for index in range(first_px, last_px):
            for word in range(member.shape[1]):
                bits = px_member[px_codes[index], word]
                member[2, word] |= bits
                if index > first_px:
                    member[3, word] |= bits
        for word in range(member.shape[1]):
            member[0, word] |= member[1, word]
        site_count = 0
        while sites != _ZERO:
            sites &= sites - _ONE
            site_count += 1
        cells[0] = sex_start + sex[case]
        cells[1] = complication_start + 2 * mcc + cc
        for dimension in range(texts):
            cells[2 + dimension] = text_cells[dimension, case]
        for dimension in range(number_counts.shape[0]):
            cells[2 + texts + dimension] = number_starts[dimension] + _number_cell(
                numbers[dimension, case], number_thresholds[dimension], number_counts[dimension]
            )
        main_px = px_codes[first_px] if last_px > first_px else 0
        rule = _first_rule(
            dx_rows[dx_class[principal]],
            px_rows[px_class[main_px]],
            context_rows,
            cells,
            all_rules,
            member,
            site_count,
            is_special,
            special_need,
            special_forbid,
            rule_min_sites,
        )
        if rule < 0 and retry_other_px:
            for index in range(first_px + 1, last_px):
                for word in range(member.shape[1]):
                    member[2, word] = px_member[px_codes[index], word]
                    member[3, word] = _ZERO
                rule = _first_rule(
                    dx_rows[dx_class[principal]],
                    px_rows[px_class[px_codes[index]]],
                    context_rows,
                    cells,
                    no_gates,
                    member,
                    site_count,
                    is_special,
                    special_need,
                    special_forbid,
                    rule_min_sites,
                )
                if rule >= 0:
                    break
        result[case] = rule_outcome[rule] if rule >= 0 else fixed_outcomes[0]
    return result
