"""`tongpin city`: the files of a demonstration city, without loading them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, cast

from tongpin.base.errors import TongpinError
from tongpin.cli.output import screen

if TYPE_CHECKING:
    from pathlib import Path

    from tongpin.demo.city import CitySummary, Layouts

LAYOUTS = ("few", "some", "all")


def run(
    home_path: Path | None,
    out: Path,
    *,
    profile: str,
    cases: int | None,
    months: int | None,
    layout: str,
    layouts: str,
    scheme: str | None,
    seed: int | None,
) -> None:
    """Write a city to `out/files` and the truth about it to `out/truth`; a city that is there stays."""
    from tongpin.demo.city import SEED, build_city
    from tongpin.grouping.library import DEMO_SCHEME, open_scheme, scheme_folders
    from tongpin.store.home import Home

    home = Home.open(home_path)
    scheme_id = scheme or DEMO_SCHEME
    open_scheme(home, scheme_id)  # says which schemes there are where this one is not
    start = time.perf_counter()
    with screen.progress("生成演示城市") as progress:
        city = build_city(
            out,
            profile=profile,
            cases=cases,
            months=months,
            seed=SEED if seed is None else seed,
            scheme_folder=scheme_folders(home)[scheme_id],
            layout=layout,
            layouts=_layouts(layouts),
            progress=lambda done, total: progress("生成演示城市", done, total),
        )
    seconds = time.perf_counter() - start
    show_months(city)
    screen.give({"ok": True, "city": city.as_dict(), "scheme": scheme_id, "seconds": round(seconds, 2)})
    screen.say(f"{city.label}，合成数据，没有真实患者；按方案 {scheme_id} 生成，用 {seconds:.1f} 秒")
    screen.say(f"文件在 {out / 'files'}，埋下的错误与其他真值在 {out / 'truth'}")


def show_months(city: CitySummary) -> None:
    """The months of a city in time order, and what was left out."""
    for month in sorted(city.months, key=lambda built: built.month):
        special = f"，门诊慢特病清单 {month.special_lists:,}" if month.special_lists else ""
        screen.say(
            f"  {month.month}：{month.hospitals} 家机构，清单 {month.settlement_lists:,}"
            f"，首页 {month.front_pages:,}{special}"
        )
    for note in city.notes:
        screen.say(f"  · {note}")


def _layouts(word: str) -> Layouts:
    if word in LAYOUTS:
        return cast("Layouts", word)
    raise TongpinError(
        "demo.layouts", f"没有这种取法：{word}", hint="few 小表；some 另加每个等级一家的明细；all 全部明细"
    )
