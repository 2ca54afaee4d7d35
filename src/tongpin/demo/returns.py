"""Returned lists 退回与更正: what the platform sends back, when, and the corrected list that follows."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import orjson

from tongpin.demo.calendar import Purpose, stream
from tongpin.demo.faults.registry import kinds

if TYPE_CHECKING:
    from datetime import datetime

    import pyarrow as pa

    from tongpin.demo.calendar import Month
    from tongpin.demo.faults.planting import Planted
    from tongpin.demo.setting import Setting

CORRECTED_CODE, CORRECTED_MESSAGE = "0", "更正后接收"
BY_PLATFORM = "platform"
SECONDS_PER_HOUR = 3600


class Return(NamedTuple):
    """A fault after it was sent: when the list came back, and when it was sent again (None: never)."""

    fault: Planted
    returned: np.datetime64 | None
    corrected: np.datetime64 | None


class Receipt(NamedTuple):
    """A row of the layout `receipt`: the platform's answer to an upload."""

    institution_code: str
    setl_id: str
    received_time: datetime
    accepted: bool
    code: str
    message: str
    returned_by: str | None


def returns(setting: Setting, month: Month, hospital: int, lists: pa.Table, faults: list[Planted]) -> list[Return]:
    """What becomes of faulty lists: the platform returns some kinds, the hospital corrects most, before the cutoff."""
    plan = setting.profile.faults
    rng = stream(setting.seed, Purpose.FAULTS, month.index, hospital, 1)
    sent = lists["upload_time"].to_numpy()
    settled = lists["settlement_date"].to_numpy().astype("datetime64[M]")
    cutoff_day = setting.profile.settlement.cutoff_day.value
    found = []
    for fault in faults:
        wait, work = (
            rng.integers(low, high + 1) for low, high in (plan.days_to_return.value, plan.days_to_correction.value)
        )
        hours = rng.integers(8 * SECONDS_PER_HOUR, 18 * SECONDS_PER_HOUR, 2).astype("timedelta64[s]")
        if not kinds()[fault.kind].returned:
            found.append(Return(fault, None, None))
            continue
        returned = sent[fault.row].astype("datetime64[D]") + np.timedelta64(int(wait), "D") + hours[0]
        again = returned.astype("datetime64[D]") + np.timedelta64(int(work), "D")
        cutoff = (settled[fault.row] + 1).astype("datetime64[D]") + np.timedelta64(cutoff_day - 1, "D")
        again = max(min(again, cutoff), returned.astype("datetime64[D]") + np.timedelta64(1, "D")) + hours[1]
        found.append(Return(fault, returned, again if fault.corrected else None))
    return found


def receipts(institution_code: str, setl_ids: list[str], found: list[Return]) -> list[Receipt]:
    """The platform's answers to returned and corrected lists, in order of time."""
    rows = []
    for one in found:
        kind, setl_id = kinds()[one.fault.kind], setl_ids[one.fault.row]
        if one.returned is not None:
            rows.append(
                Receipt(
                    institution_code, setl_id, one.returned.astype(object), False, kind.breaks, kind.label, BY_PLATFORM
                )
            )
        if one.corrected is not None:
            rows.append(
                Receipt(
                    institution_code,
                    setl_id,
                    one.corrected.astype(object),
                    True,
                    CORRECTED_CODE,
                    CORRECTED_MESSAGE,
                    None,
                )
            )
    return sorted(rows, key=lambda row: (row.received_time, row.setl_id, row.accepted))


def corrected_lines(clean: list[bytes], found: list[Return]) -> tuple[list[bytes], list[Return]]:
    """The clean lists once more, sent at their later time, in order of time; and whose they are."""
    again = sorted((one for one in found if one.corrected is not None), key=lambda one: (one.corrected, one.fault.row))
    lines = []
    for one in again:
        message = orjson.loads(clean[one.fault.row])
        message["setlinfo"]["dcla_time"] = str(one.corrected).replace("T", " ")
        lines.append(orjson.dumps(message))
    return lines, again
