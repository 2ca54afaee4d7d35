"""The JSON layout 规则包布局: what its packages mean without saying so, as data, in the two ways they were read."""

from __future__ import annotations

from datetime import date  # noqa: TC003  # read by pydantic at run time
from functools import lru_cache
from importlib.resources import files

from pydantic import BaseModel, ConfigDict, ValidationError

from tongpin.base.errors import SchemeError
from tongpin.base.strict_yaml import first_fault, load_strict_yaml

_FILE = "layout.yaml"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Reading(_Strict):
    """How the packages of one time were read.

    `pre_mdc`: MDCs tried before the principal diagnosis chooses, in order; `infant_below_days`: age in days below which
    the newborn MDC is tried; `hiv_principal_only`: only the principal diagnosis leads to the HIV MDC;
    `trauma_principal`: the principal diagnosis must name a site itself; `referenced_principal` and
    `any_procedure_principal`: such rules look at the first procedure only; `surgical_needs_principal`: without a first
    procedure only medical ADRGs of the chosen MDC are tried; `infant_without_procedure`: the infant ADRG is for stays
    without a procedure; `leaves_see_skipped`: DRGs look at the first procedure even when it does not count.
    """

    pre_mdc: tuple[str, ...]
    infant_below_days: int
    hiv_principal_only: bool
    trauma_principal: bool
    referenced_principal: bool
    any_procedure_principal: bool
    surgical_needs_principal: bool
    infant_without_procedure: bool
    leaves_see_skipped: bool


class Layout(_Strict):
    """What holds for every package, and the two readings."""

    id: str
    label: str
    reference: str
    checked_on: date
    assumed: bool
    earlier_keys: tuple[str, ...]
    allowed_gray_principal_procedures: tuple[str, ...]
    medical_letters: str
    sex_of_mdc: dict[str, int]
    hiv_mdc: str
    trauma_mdc: str
    trauma_min_sites: int
    newborn_mdc: str
    newborn_below_days: int
    infant_marks: tuple[str, ...]
    weights: dict[str, str]
    weight_operators: dict[str, str]
    death: str
    numbers: dict[str, str]
    flags: dict[str, str]
    fields: dict[str, str]
    current: Reading
    earlier: Reading


@lru_cache(maxsize=1)
def layout() -> Layout:
    """The layout file that comes with Tongpin; raises `SchemeError` (`scheme.layout`) when it was damaged."""
    path = files("tongpin.grouping.importers.rule_package") / _FILE
    try:
        return Layout.model_validate(load_strict_yaml(path, "scheme", SchemeError))
    except ValidationError as error:
        place, message, hint = first_fault(error)
        raise SchemeError("scheme.layout", message, where=f"{_FILE} {place}", hint=hint) from None
