"""The daily page's own data 日报的块、参数与提醒: strict YAML in, frozen values out."""

from __future__ import annotations

from datetime import date  # noqa: TC003 - Pydantic reads it
from functools import cache
from typing import Literal

from pydantic import StrictBool, StrictInt, StrictStr, ValidationError

from tongpin.base.errors import TongpinError
from tongpin.base.strict_yaml import Strict, first_fault, load_strict_yaml
from tongpin.measures.catalogue import catalogue_folder
from tongpin.records.intake.kinds import known_kinds, label_of
from tongpin.twin.advice import Suggestion, checked

YESTERDAY, IN_HOUSE, RETURNED, MONTH_END, SPECIAL = "yesterday", "in_house", "returned", "month_end", "special"


class Block(Strict):
    """A block of the page: its heading, its form in one line, and the kinds of file that bring its figures."""

    id: Literal["yesterday", "in_house", "returned", "month_end", "special"]
    label: StrictStr
    form: StrictStr
    layouts: tuple[StrictStr, ...]
    reference: StrictStr
    checked_on: date
    assumed: StrictBool

    @property
    def needs(self) -> str:
        """What to load, in words: `结算清单（4101）、结算结果（settlement-result）`."""
        return "、".join(
            label_of(one) if "（" in label_of(one) else f"{label_of(one)}（{one}）" for one in self.layouts
        )


class DailySetting(Strict):
    """A parameter of the page; ratios in ten-thousandths."""

    id: StrictStr
    label: StrictStr
    unit: StrictStr
    value: StrictInt
    reference: StrictStr
    checked_on: date
    assumed: StrictBool


class DailyRules(Strict):
    """Everything of `catalogue/twin/daily.yaml`."""

    blocks: tuple[Block, ...]
    settings: tuple[DailySetting, ...]
    advice: tuple[StrictStr, ...]


@cache
def load_daily() -> DailyRules:
    """The rules of the page; an unknown key, a block twice or a kind nobody reads is refused (`catalogue.shape`)."""
    path = catalogue_folder("twin") / "daily.yaml"
    try:
        found = DailyRules.model_validate(load_strict_yaml(path, "catalogue"))
    except ValidationError as error:
        place, message, hint = first_fault(error)
        raise TongpinError("catalogue.shape", message, where=f"{path.name} {place}", hint=hint) from error
    if len({one.id for one in found.blocks}) < len(found.blocks):
        raise TongpinError("catalogue.shape", "有一块写了两次", where=path.name, hint="每块只写一次")
    for block in found.blocks:
        for layout in block.layouts:
            if layout not in known_kinds():
                raise TongpinError("catalogue.shape", f"没有文件种类 {layout}", where=block.id, hint="改正 layouts")
    return found


def setting(name: str) -> int:
    """The value of one parameter."""
    return next(one.value for one in load_daily().settings if one.id == name)


def advice() -> tuple[str, ...]:
    """The reminders below the patients in house that the filter of suggestions lets pass (S920-01)."""
    told = (Suggestion(text=text, audience="physician") for text in load_daily().advice)
    return tuple(one.text for one in checked(told).allowed)
