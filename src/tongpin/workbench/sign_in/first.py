"""First accounts 第一批账户: one who grants on an empty home; one of each role beside the demonstration city."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.errors import TongpinError
from tongpin.measures.guokao.hospital import hospitals
from tongpin.payment.month.closed import every_run, posted
from tongpin.workbench.sign_in import users
from tongpin.workbench.sign_in.passwords import random_password
from tongpin.workbench.sign_in.roles import roles

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Engine

    from tongpin.store.home import Home
    from tongpin.workbench.sign_in.roles import Role

ADMINISTRATOR = "admin"
"""The name of the first account of a home without demonstration data: it grants, and sees no money."""
_EXPERT_DAYS, _EXPERT_CASES = 30, 3


class Account(NamedTuple):
    """A new account with the password that is shown this once."""

    name: str
    display: str
    role: str
    password: str


class _Example(NamedTuple):
    """Whose eyes the demonstration accounts of a hospital look through."""

    area: str
    hospital: str
    department: str
    doctor: str
    cases: tuple[str, ...]


def first_accounts(engine: Engine, home: Home) -> list[Account]:
    """The accounts of a home in which nobody exists yet; none where somebody does.

    Passwords are random and kept as hashes only. Demonstration accounts are made only on a home that holds the
    demonstration city with a closed month.
    """
    with engine.begin() as connection:
        if users.has_users(connection):
            return []
        if not home.demo_city.exists() or not every_run(home):
            wanted = [users.Wanted("bureau_it")]
            _, shown = users.create(connection, home, ADMINISTRATOR, "管理员", wanted, by=users.SYSTEM)
            return [Account(ADMINISTRATOR, "管理员", roles()["bureau_it"].label, shown or "")]
        example = _example(home)
        made = []
        for role in roles().values():
            password = random_password()
            display = f"演示·{role.label}" if role.desk == "hospital" else f"演示·局端{role.label}"
            wanted = [_wanted(role, example)]
            users.create(connection, home, role.id, display, wanted, by=users.SYSTEM, password=password)
            made.append(Account(role.id, display, role.label, password))
        return made


def _wanted(role: Role, example: _Example) -> users.Wanted:
    reach: Mapping[str, str] = {
        "hospital": {"hospital": example.hospital},
        "department": {"hospital": example.hospital, "department": example.department},
        "doctor": {"hospital": example.hospital, "doctor": example.doctor},
    }.get(role.scope, {})
    cases = example.cases if role.scope == "cases" else ()
    until = users.now() + timedelta(days=_EXPERT_DAYS) if role.needs_until else None
    return users.Wanted(role.id, area=example.area, cases=cases, until=until, **reach)


def _example(home: Home) -> _Example:
    """Whom the accounts look at: a hospital, its largest department and doctor, some of its cases.

    It has the most cases of the last closed month among those that 国考 assesses, or among all where it assesses none.
    """
    run = every_run(home)[max(every_run(home), key=lambda name: every_run(home)[name]["month"])]
    columns = ("institution_code", "dept", "doctor_code", "case_id", "pay_scope")
    lines = posted(home, run["area"], (run["month"],), columns)
    lines = lines.filter(pc.equal(lines["pay_scope"], "DRG"))
    if not lines.num_rows:
        raise TongpinError("demo.accounts", "演示月份没有按病组付费的病例", hint="多造一些：tongpin demo --cases 4000")
    assessed = pa.array([code for one in hospitals(home, int(run["month"][:4])) if one.set_name for code in one.codes])
    of_assessed = lines.filter(pc.is_in(lines["institution_code"], value_set=assessed.cast(pa.string())))
    hospital = _most((of_assessed if of_assessed.num_rows else lines)["institution_code"])
    own = lines.filter(pc.equal(lines["institution_code"], hospital))
    department = _most(own["dept"])
    of_department = own.filter(pc.equal(own["dept"], department))
    doctor = _most(of_department["doctor_code"])
    cases = tuple(of_department["case_id"].to_pylist()[:_EXPERT_CASES])
    return _Example(run["area"], hospital, department, doctor, cases)


def _most(column: object) -> str:
    """The value that stands most often; the first in order where several do."""
    counts = sorted(pc.value_counts(pc.drop_null(column)).to_pylist(), key=lambda one: (-one["counts"], one["values"]))
    return str(counts[0]["values"])
