"""Returned lists 退回的清单: each return with its cause, the field it points to and whose it is to mend."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from tongpin.payment.lists.editions import area_in
from tongpin.payment.lists.returns import KIND_LABELS, returns_in_home
from tongpin.workbench.listings.catalogue import Loaded
from tongpin.workbench.listings.places import department_labels, institution_names
from tongpin.workbench.today import today

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tongpin.store.home import Home

ASSUMED_NOTE = "字段与责任科室按惯例的对照推定（模拟）：各地回执代码不同，可在工作目录的 returns.yaml 里写明"


def load_returns(home: Home, parameters: Mapping[str, str]) -> Loaded:
    """The returns of the lists discharged in a month, open ones first."""
    on = today(home)
    table = returns_in_home(home, area_in(home, parameters["area"], parameters["month"]), parameters["month"], on)
    names = institution_names(home)
    codes = table["institution_code"].to_pylist()
    labels = department_labels(home, zip(codes, table["dept"].to_pylist(), strict=True))
    columns = {name: table[name] for name in table.column_names if name not in {"kind", "office", "assumed"}}
    columns |= {
        "institution_name": pa.array([names.get(code, code) for code in codes], pa.string()),
        "dept_name": pa.array(labels, pa.string()),
        "kind_label": pa.array([KIND_LABELS[one] for one in table["kind"].to_pylist()], pa.string()),
    }
    return Loaded(pa.table(columns), (f"按 {on} 的情况", ASSUMED_NOTE), simulated=True)
