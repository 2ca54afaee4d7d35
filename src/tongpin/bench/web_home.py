"""A home for the bench of the workbench 工作台基准的工作目录: a city's year, closed month by month, and its users."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any, NamedTuple

from tongpin.base.errors import TongpinError
from tongpin.bench.city_home import city_home, city_setting
from tongpin.bench.open_loop import Asker
from tongpin.payment.month.closed import closed_months, posted
from tongpin.payment.month.run import settle_in_home
from tongpin.records.intake.lake_tables import INSTITUTIONS, read_loaded
from tongpin.store.control import DATABASE_FILE, close_engines, control_engine, upgrade
from tongpin.store.home import Home
from tongpin.store.journal import head_path
from tongpin.workbench.sign_in import sessions, users

if TYPE_CHECKING:
    from pathlib import Path

YEAR = "2024"
AREA = "demo-east"
MARK = "bench-web"
"""The file by which a home made here is known: users are made in no other."""
USERS, OF_BUREAU = 400, 100
BUREAU_ROLES = ("bureau_handler", "bureau_checker", "bureau_reviewer", "bureau_auditor")
HOSPITAL_ROLES = ("director", "insurance_office", "performance_office", "operations")
PASSWORD_USER, PASSWORD = "signs-in", "bench-of-the-workbench"
"""Of a home that is made for the bench alone."""
_SEED = 7


class People(NamedTuple):
    """The sessions of those who act: those who see the whole region, and those of hospitals."""

    bureau: list[Asker]
    hospitals: list[Asker]


def web_home(root: Path, count: int) -> Home:
    """The home of a city's year with about `count` lists, every month closed; one made before is used again.

    Raises TongpinError `bench.home` for a folder that holds something else.
    """
    mark = root / MARK
    if mark.exists():
        return Home.open(root)
    if root.exists() and any(root.iterdir()):
        raise TongpinError("bench.home", "这个文件夹里有别的东西", where=str(root), hint="给一个空的或还没有的文件夹")
    plan = city_setting()
    planned = sum(plan.month_total(month) for month in plan.months if str(month).startswith(YEAR))
    setting = city_setting(count / planned)
    months = [month for month in setting.months if str(month).startswith(YEAR)]
    home = city_home(root, months, share=count / planned)
    for month in months:
        settle_in_home(home, str(month))
    mark.touch()
    return home


def with_people(home: Home) -> People:
    """The users of the bench, made afresh, each with a session; one more can sign in by password."""
    close_engines()
    for suffix in ("", "-wal", "-shm"):
        (home.root / f"{DATABASE_FILE}{suffix}").unlink(missing_ok=True)
    engine = control_engine(home)
    head_path(engine).unlink(missing_ok=True)
    upgrade(engine)
    codes = sorted(read_loaded(home, INSTITUTIONS, ["institution_code"])["institution_code"].to_pylist())
    found = People([], [])
    with engine.begin() as connection:
        wanted = users.Wanted(BUREAU_ROLES[0])
        users.create(connection, home, PASSWORD_USER, PASSWORD_USER, [wanted], by=users.SYSTEM, password=PASSWORD)
        for number in range(USERS):
            of_bureau = number < OF_BUREAU
            if of_bureau:
                wanted = users.Wanted(BUREAU_ROLES[number % len(BUREAU_ROLES)], area=AREA)
            else:
                role = HOSPITAL_ROLES[number // len(codes) % len(HOSPITAL_ROLES)]
                wanted = users.Wanted(role, area=AREA, hospital=codes[number % len(codes)])
            name = f"user{number}"
            # Whoever comes by single sign-on has no password to hash, which would take most of the time.
            made, _ = users.create(connection, home, name, name, [wanted], by=users.SYSTEM, single_sign_on=name)
            opened = sessions.open_session(connection, made, MARK)
            (found.bureau if of_bureau else found.hospitals).append(Asker(opened.token, opened.identity.csrf))
    close_engines()
    return found


def asked_of_cases(home: Home, count: int) -> list[dict[str, Any]]:
    """Pages of the list of a year's cases as users ask for them: conditions by values that stand in the year, sorted.

    Each is drawn anew, so that hardly two are the same.
    """
    columns = ("drg", "dept", "doctor_code", "institution_code", "total_fee_fen", "result_fen", "discharge_time")
    lines = posted(home, AREA, list(closed_months(home, AREA))[:2], columns)
    drawn = random.Random(_SEED)  # noqa: S311  # a load, no secret
    asked: list[dict[str, Any]] = []
    for _ in range(count):
        row = lines.slice(drawn.randrange(lines.num_rows), 1).to_pylist()[0]
        day = row["discharge_time"].date().isoformat()
        conditions: tuple[list[tuple[str, str, Any]], ...] = (
            [],
            [("drg", "is", row["drg"])],
            [("dept", "is", row["dept"]), ("result_fen", "to", 0)],
            [("drg_name", "contains", drawn.choice("肺心肝骨脑肾胃眼")), ("discharge_date", "from", day)],
            [("institution_code", "is", row["institution_code"]), ("total_fee_fen", "from", row["total_fee_fen"])],
            [("outlier_label", "in", ["费用极高", "费用极低"]), ("discharge_date", "to", day)],
            [("doctor_code", "is", row["doctor_code"])],
            [("case_id", "contains", f"{drawn.randrange(10_000):04d}")],
        )
        chosen = [(name, op, value) for name, op, value in drawn.choice(conditions) if value is not None]
        sort = drawn.choice(([], [("total_fee_fen", True)], [("discharge_date", True), ("case_id", False)], []))
        asked.append(
            {
                "parameters": {"area": AREA, "month": YEAR},
                "filters": [{"column": name, "op": op, "value": value} for name, op, value in chosen],
                "sort": [{"column": name, "descending": descending} for name, descending in sort],
                "offset": drawn.choice((0, 0, 0, 100, 200)),
                "limit": 100,
            }
        )
    return asked
