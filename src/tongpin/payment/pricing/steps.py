"""The steps of an explanation as data: label, text, amount, the parameters behind it and where they stand."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from tongpin.base.money import SCALE, round_half_up
from tongpin.payment.pricing.coefficients import band_of

if TYPE_CHECKING:
    from datetime import date

    from tongpin.payment.policy.policy import Policy

SIMULATED = "（模拟）"
_BASES = {"city": "全市组均费用", "level": "同级组均费用", "hospital": "本院组均费用"}


class Step(NamedTuple):
    """A step of an explanation: what it is, the sentence, the amount in fen, parameter keys, reference or 模拟."""

    label: str
    text: str
    amount_fen: int | None
    keys: tuple[str, ...]
    source: str


class Told:
    """A priced row, the edition it rests on and the day of its values."""

    def __init__(self, row: dict[str, Any], policy: Policy, on: date) -> None:
        self.row = row
        self.policy = policy
        self.on = on
        names = ("fund", "hospital_level", "institution_code", "register_code", "early_end", "dept")
        self.place = {name: row[name] for name in names if row.get(name)} | {"drg": row.get("priced_drg") or row["drg"]}
        self._assumed = set(policy.assumed_keys())

    def mark(self, *keys: str) -> str:
        """模拟 when any of the keys is assumed."""
        return SIMULATED if self._assumed & set(keys) else ""

    def plain(self, label: str, text: str, amount_fen: int | None) -> Step:
        """A step that rests on no parameter of its own."""
        return Step(label, text, amount_fen, (), "")

    def step(self, label: str, text: str, amount_fen: int | None, *keys: str) -> Step:
        """A step that rests on parameters; 模拟 stands in its text where one is assumed."""
        return Step(label, text + self.mark(*keys), amount_fen, keys, self.source(*keys))

    def source(self, *keys: str) -> str:
        """The references in force of the keys, or 模拟 where one has none."""
        parameters = self.policy.edition.parameters
        if self._assumed & set(keys):
            return "模拟"
        found = []
        for key in keys:
            reference = (
                parameters[key].reference.get(self.policy.in_force_since(key, self.on)) if key in parameters else None
            )
            if reference:
                found.append(f"{reference.title}{reference.clause}")
        return "；".join(dict.fromkeys(found))

    def e4(self, key: str, **more: str) -> str:
        """A ratio in force with four decimals."""
        return four(self.policy.scaled(key, self.on, **self.place | more))

    def rule(self, kind: str) -> str:
        """By what HIGH or LOW is told: multiple, bands or rank."""
        if self.row["pay_mode"] == "points":
            return "points"
        found: str = self.policy.value(f"outlier.{kind}.rule", self.on, **self.place)
        return found

    def limit_key(self, kind: str) -> str:
        """The parameter that holds the limit of HIGH or LOW."""
        if self.rule(kind) == "points":
            return {"high": "points.high_limit", "low": "points.incomplete_below"}[kind]
        return f"outlier.{kind}.{self.rule(kind)}"

    def limit_e4(self, kind: str) -> int:
        """The limit of HIGH or LOW in ten-thousandths."""
        key = self.limit_key(kind)
        if key.endswith("bands"):
            return band_of(self.policy.value(key, self.on, **self.place), self.row["weight_e4"])
        if key.endswith("top_share"):
            key = f"outlier.{kind}.multiple"
        return self.policy.scaled(key, self.on, **self.place)

    @property
    def base_name(self) -> str:
        """What the fee is compared with, in full."""
        return self._base() or "支付标准"

    @property
    def base_short(self) -> str:
        """The same inside a sentence."""
        return self._base() or "标准"

    def _base(self) -> str:
        key = "points.mean_of" if self.row["pay_mode"] == "points" else "outlier.base"
        return _BASES.get(self.policy.value(key, self.on), "")


def four(value_e4: int) -> str:
    """Ten-thousandths with four decimals."""
    return f"{Decimal(value_e4) / SCALE:,.4f}"


def times(value_e4: int) -> str:
    """Ten-thousandths as a multiple with two decimals."""
    return f"{Decimal(round_half_up(value_e4, 100)) / 100:.2f}"


def percent(value_e4: int, *, sign: bool = False) -> str:
    """Ten-thousandths as a percentage with two decimals."""
    return f"{Decimal(value_e4) / 100:{'+' if sign else ''}.2f} %"
