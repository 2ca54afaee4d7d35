"""What the commands of DIP share: which area, edition, catalogue and closed months are meant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from tongpin.base.errors import PolicyError, StoreError
from tongpin.cli.dip_commands import dip_policy
from tongpin.cli.output import screen

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    import pyarrow as pa

    from tongpin.payment.dip.catalogue import Catalogue
    from tongpin.payment.policy.policy import Policy
    from tongpin.store.home import Home


class Closed(NamedTuple):
    """Closed months of a DIP area: their lines, the edition and the catalogue of the last of them."""

    area: str
    span: str
    months: list[str]
    policy: Policy
    catalogue: Catalogue
    on: date
    lines: pa.Table
    standing: pa.Table

    def choice(self, key: str) -> Any:
        """A value of the edition at the end of the span."""
        return self.policy.value(key, self.on)

    def number(self, key: str) -> float:
        """A ratio of the edition as a number."""
        return float(self.policy.value(key, self.on))

    def words(self, key: str) -> str:
        """A choice of the edition in Chinese."""
        from tongpin.payment.policy.vocabulary import KNOWN

        return KNOWN[key].options[str(self.choice(key))]


def closed_of(home: Home, area: str | None, month: str | None, year: int | None) -> Closed:
    """The closed months that are meant; StoreError `settle.open`, PolicyError `dip.span`, `dip.method`."""
    import pyarrow.compute as pc

    from tongpin.payment.dip.library import open_catalogue
    from tongpin.payment.dip.run import span_end
    from tongpin.payment.month.closed import closed_months, posted
    from tongpin.payment.month.posting import REVERSAL, is_among, list_keys
    from tongpin.payment.month.statement_columns import DIP, method_of_manifest
    from tongpin.payment.policy.library import policy_named

    if (month is None) == (year is None):
        raise PolicyError("dip.span", "写明一个月或一个年度", where="--month / --year", hint="二者写一个")
    area = dip_area(home, area)
    manifests = closed_months(home, area) if area else {}
    chosen = [one for one in sorted(manifests) if one == month or (year and one.startswith(f"{year}-"))]
    if area is None or not chosen:
        span, tool = month or f"{year} 年", f"tongpin settle --month {month or f'{year}-01'} --area 统筹区"
        raise StoreError("settle.open", f"{span} 还没有按病种关账", where=str(home.root), hint=f"先运行 {tool}")
    last = manifests[chosen[-1]]
    if any(method_of_manifest(manifests[one]) != DIP for one in chosen):
        raise PolicyError("dip.method", f"统筹区 {area} 不按病种付费", where="--area", hint="换成按病种付费的统筹区")
    if len({(manifests[one]["scheme"], manifests[one]["scheme_digest"]) for one in chosen}) > 1:
        raise PolicyError("dip.catalogue", "这几个月用的不是同一个病种目录", where="--year", hint="用 --month 逐月看")
    everything = posted(home, area)
    lines = everything.filter(pc.is_in(everything["period"], value_set=_texts(chosen)))
    red = everything.filter(pc.equal(everything["line_kind"], REVERSAL))
    gone = is_among(list_keys(lines, "case_id"), list_keys(red, "case_id"))
    catalogue = open_catalogue(home, last["scheme"])
    if catalogue.digest != last["scheme_digest"]:
        screen.say(f"注意：病种目录 {catalogue.id} 在关账之后改过，病种的名称与类别是现在的")
    return Closed(
        area,
        month or f"{year}",
        chosen,
        policy_named(home, last["policy"]),
        catalogue,
        span_end((chosen[0], chosen[-1])),
        lines,
        lines.filter(pc.invert(gone)),
    )


def _texts(values: Sequence[str]) -> pa.Array:
    import pyarrow as pa

    return pa.array(list(values), pa.string())


def dip_area(home: Home, area: str | None) -> str | None:
    """The named area, else the only one that closed a month by DIP, none where there is none."""
    from tongpin.payment.month.closed import every_run
    from tongpin.payment.month.statement_columns import DIP, method_of_manifest

    if area is not None:
        return area
    areas = sorted({one["area"] for one in every_run(home).values() if method_of_manifest(one) == DIP})
    if len(areas) > 1:
        raise PolicyError("settle.area", f"按病种关账的统筹区有 {'、'.join(areas)}", hint="用 --area 指明统筹区")
    return areas[0] if areas else None


def policy_of(home: Home, area: str | None, month: str) -> Policy:
    """The edition of an area in a month, of the shipped national one where no area is known."""
    from tongpin.payment.policy.library import open_policy

    return open_policy(home, area, month) if area else dip_policy(home, None)


def catalogue_of(home: Home, name: str | None, policy: Policy) -> Catalogue:
    """The named catalogue, else that of the edition, else the only one of the home."""
    from tongpin.payment.dip.library import catalogue_folders, named_catalogue

    if name is not None:
        return named_catalogue(home, name)
    held = catalogue_folders(home)
    only = next(iter(held)) if len(held) == 1 and policy.scheme_id not in held else policy.scheme_id
    return named_catalogue(home, only)


def span_of(months: str) -> tuple[str, str]:
    """`A..B` as two months; PolicyError `dip.months`."""
    first, dots, last = months.partition("..")
    if not dots:
        raise PolicyError("dip.months", f"月份“{months}”不对", hint="写成 2022-01..2024-12")
    return first, last


def next_month(month: str) -> str:
    """The month after."""
    year, number = (int(part) for part in month.split("-"))
    return f"{year + number // 12}-{number % 12 + 1:02d}"


def assumed_line(policy: Policy, catalogue: Catalogue) -> list[str]:
    """The line that figures carry when something that they rest on has no document; none otherwise."""
    count = len(policy.assumed_keys())
    also = "，病种目录的编制办法也没有" if catalogue.assumed else ""
    return [f"模拟：付费办法 {policy.id} 有 {count} 项取值没有文件确认{also}"] if count or also else []


def say_assumed(policy: Policy, catalogue: Catalogue) -> None:
    """Say the same on the screen."""
    for line in assumed_line(policy, catalogue):
        screen.say(line)
