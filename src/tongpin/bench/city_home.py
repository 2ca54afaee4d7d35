"""A home of the demonstration city 城市工作目录: its lists, or lists and front pages, drawn straight into a lake.

What a load would keep of its files, without writing and reading the files: a month in two files of the lake.
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import cache, partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.demo.cases import draw_hospital_month
from tongpin.demo.city import SEED
from tongpin.demo.hospital_month import as_pages
from tongpin.demo.setting import prepare
from tongpin.demo.tables.bureau import institutions
from tongpin.grouping.library import DEMO_SCHEME, shipped_folder
from tongpin.records.case.schema import CASE_SCHEMA
from tongpin.records.intake.lake_tables import CASES, INSTITUTIONS, KEYS, ORDERS, schema_of
from tongpin.store import lake
from tongpin.store.home import Home
from tongpin.store.versions import no_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from tongpin.demo.calendar import Month
    from tongpin.demo.setting import Setting

PROFILE = "prefecture-east"
WORKERS = 2
_SCRATCH = "drawing"


class Drawn(NamedTuple):
    """A file written beside the lake, and how many cases it holds."""

    path: Path
    cases: int


def linked_copy(home: Home, root: Path) -> Home:
    """A copy of a home at a place; the files of the lake, which are never changed, are linked."""
    shutil.rmtree(root, ignore_errors=True)
    shutil.copytree(home.root, root, copy_function=_link_or_copy)
    return Home.open(root)


def _link_or_copy(source: str, target: str) -> None:
    if source.endswith((".parquet", ".json")):
        os.link(source, target)
    else:
        shutil.copyfile(source, target)


@cache
def city_setting(share: float = 1.0) -> Setting:
    """The plan of the demonstration city, or of one with so many times as many lists."""
    setting = prepare(PROFILE, shipped_folder() / DEMO_SCHEME, SEED)
    volume = setting.profile.volume
    total = volume.total_cases.model_copy(update={"value": round(volume.total_cases.value * share)})
    profile = setting.profile.model_copy(update={"volume": volume.model_copy(update={"total_cases": total})})
    return replace(setting, profile=profile)


def city_home(
    root: Path,
    months: Sequence[Month],
    hospitals: Iterable[int] | None = None,
    *,
    pages: bool = False,
    share: float = 1.0,
) -> Home:
    """A home that holds the institutions and the insured stays of some months, of all hospitals or of some of them.

    With `pages` the front pages of all stays too, insured or not; `share` as of `city_setting`.
    """
    setting, home = city_setting(share), Home.open(root)
    scratch = root / _SCRATCH
    scratch.mkdir(parents=True)
    known = institutions(setting)
    # Registered before their first list: three years reach further back than the plan's register.
    since = pa.repeat(pa.scalar(min(months).first_day.item(), pa.date32()), known.num_rows)
    known = known.set_column(known.column_names.index("valid_from"), "valid_from", since)
    lake.upsert(home, INSTITUTIONS, known, KEYS[INSTITUTIONS])
    number = lake.begin(home, [CASES])
    chosen = tuple(range(len(setting.hospitals)) if hospitals is None else hospitals)
    draw = partial(_draw_month, chosen, scratch, number, pages=pages, share=share)
    if len(months) * len(chosen) < len(setting.hospitals):
        drawn = [one for month in months for one in draw(month)]
    else:
        with ProcessPoolExecutor(WORKERS, multiprocessing.get_context("spawn")) as pool:
            drawn = [one for month in pool.map(draw, months) for one in month]
    staged = [(lake.Staged(one.path, no_rows()), np.ones(one.cases, dtype=bool)) for one in drawn]
    lake.commit(home, CASES, schema_of(CASES), staged)
    lake.finish(home, number)
    scratch.rmdir()
    return home


def _draw_month(
    hospitals: Sequence[int], scratch: Path, load: int, month: Month, *, pages: bool, share: float
) -> list[Drawn]:
    """The files of a month: its lists, and its front pages where they are wanted."""
    setting = city_setting(share)
    stays = pa.concat_tables([draw_hospital_month(setting, month, hospital) for hospital in hospitals])
    lists = stays.filter(pc.is_valid(stays["insurance"]))
    return [_staged(table, scratch, load, month) for table in ([lists, as_pages(stays)] if pages else [lists])]


def _staged(cases: pa.Table, scratch: Path, load: int, month: Month) -> Drawn:
    absent = {field.name: pa.nulls(cases.num_rows, field.type) for field in CASE_SCHEMA}
    columns = {name: cases[name] if name in cases.column_names else column for name, column in absent.items()}
    table = pa.table(columns, schema=CASE_SCHEMA)
    staged = lake.stage(scratch, month.index, table, KEYS[CASES], load=load, order=ORDERS[CASES])
    return Drawn(staged.path, cases.num_rows)
