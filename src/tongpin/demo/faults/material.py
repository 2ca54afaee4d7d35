"""Codes for faults 差错用的编码: found by asking the scheme itself what it does with every diagnosis."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tongpin.demo.profile import Coded
    from tongpin.grouping.tables.model import SchemeTables

ADULT_AGE, STAY_DAYS = 40, 5
Codes = tuple[tuple[str, str], ...]


class FaultCodes(NamedTuple):
    """Diagnoses of one sex only, diagnoses that group nowhere, TCM diagnoses; all as (code, name)."""

    of_sex: dict[str, Codes]
    ungroupable: Codes
    tcm: Codes


def fault_codes(scheme: SchemeTables, unspecific: Sequence[Coded], tcm: Sequence[Coded]) -> FaultCodes:
    """What faults draw from under a scheme; `unspecific` candidates that the scheme does group are left out."""
    names = scheme.dx_names | {one.code: one.name for one in unspecific}
    codes = sorted(names)
    grouped = {sex: _grouped(scheme, codes, sex) for sex in (1, 2)}
    of_sex = {
        str(sex): tuple((code, names[code]) for code in codes if code in grouped[sex] - grouped[3 - sex])
        for sex in (1, 2)
    }
    nowhere = tuple((one.code, one.name) for one in unspecific if one.code not in grouped[1] | grouped[2])
    return FaultCodes(of_sex, nowhere, tuple((one.code, one.name) for one in tcm))


def _grouped(scheme: SchemeTables, codes: list[str], sex: int) -> set[str]:
    """The codes that group as the only diagnosis of a grown patient of a sex."""
    from tongpin.grouping.compiled.stage import group

    size = len(codes)
    table = pa.table(
        {
            "sex": pa.array([sex] * size, pa.int8()),
            "age": pa.array([ADULT_AGE] * size, pa.int16()),
            "los": pa.array([STAY_DAYS] * size, pa.int32()),
            "dx": pa.array([[code] for code in codes], pa.list_(pa.string())),
        }
    )
    status = group(table, scheme)["status"].to_pylist()
    return {code for code, one in zip(codes, status, strict=True) if one == "grouped"}
