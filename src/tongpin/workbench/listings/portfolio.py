"""Lists of the portfolio 病组组合的列表: every group with its class, months and result."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from tongpin.store.home import Home
from tongpin.workbench.analysis.computing import shared
from tongpin.workbench.analysis.measure_shapes import span_of
from tongpin.workbench.analysis.portfolio import pyramid_job, pyramid_sheet
from tongpin.workbench.analysis.whose import of_scope
from tongpin.workbench.listings.catalogue import Loaded
from tongpin.workbench.sign_in.identity import DeniedError

if TYPE_CHECKING:
    from collections.abc import Mapping

_TEXT, _WHOLE, _REAL = pa.string(), pa.int64(), pa.float64()
_SCHEMA = pa.schema(
    [
        *((name, _TEXT) for name in ("institution_code", "drg", "drg_name", "class_label")),
        ("weight", _REAL),
        *((name, _WHOLE) for name in ("case_count", "result_fen", "per_case_fen", "losing_run", "change_fen")),
    ]
)


def load_portfolio_groups(home: Home, parameters: Mapping[str, str]) -> Loaded:
    """Every group of closed months of the desk's hospital, or of the area; errors as `pyramid_in_home`."""
    own = of_scope(home.scope, parameters.get("hospital"))
    if home.scope is not None and not home.scope.sees_hospital(own.hospital or ""):
        raise DeniedError("sign_in.scope", "病组组合是全院的", where="hospital", hint="由看全院的岗位查看")
    months = span_of(parameters["months"])
    # The whole home behind the desk: only lists of the hospital asked for are summed.
    whole = Home(home.root)
    job = pyramid_job(whole, months, parameters.get("area") or None, own.hospital)
    sheet = pyramid_sheet(shared.get(whole, job))
    classes = {one.id: one.label for one in sheet.classes}
    rows = [
        {
            "institution_code": own.hospital or "",
            "drg": one.drg,
            "drg_name": one.label,
            "class_label": classes[one.class_id],
            "weight": one.weight,
            "case_count": one.case_count,
            "result_fen": one.result_fen,
            "per_case_fen": one.per_case_fen,
            "losing_run": one.losing_run,
            "change_fen": one.change_fen,
        }
        for one in sheet.groups
    ]
    return Loaded(pa.Table.from_pylist(rows, schema=_SCHEMA), tuple(sheet.notes), sheet.simulated)
