"""Whose 看谁的数: the hospital and department whose own figures an identity may look at; all others stay sums."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tongpin.base.errors import TongpinError
from tongpin.workbench.sign_in.identity import DeniedError

if TYPE_CHECKING:
    from tongpin.store.scope import Scope
    from tongpin.workbench.sign_in.identity import Identity


class Whose(NamedTuple):
    """The hospital and department that figures are of; None: of all.

    `is_masked`: other hospitals are shown as sums or under code names only.
    """

    hospital: str | None
    dept: str | None
    is_masked: bool


def whose(asker: Identity, hospital: str | None = None, dept: str | None = None, area: str | None = None) -> Whose:
    """Whose figures are shown to an identity that wishes for these; its own where it names none.

    Raises DeniedError `sign_in.scope` for another hospital or department than its own, and for who sees single doctors
    or cases only; `sign_in.area`.
    """
    asker.check_area(area)
    return of_scope(asker.grant.scope, hospital, dept)


def of_scope(scope: Scope | None, hospital: str | None = None, dept: str | None = None) -> Whose:
    """The same for the scope of a home."""
    hospital, dept = hospital or None, dept or None
    if scope is None or scope.is_whole:
        return Whose(hospital, dept, is_masked=False)
    if scope.doctors is not None or scope.cases is not None or not scope.hospitals:
        raise _outside("分析的数按机构与科室给出", "cases")
    return Whose(_own(scope.hospitals, hospital, "机构"), _own(scope.departments, dept, "科室") or dept, is_masked=True)


def whole_hospital(asker: Identity, hospital: str | None, area: str | None = None) -> str:
    """The hospital that is looked at as a whole.

    Raises DeniedError `sign_in.scope` for who sees less than it, TongpinError `analysis.hospital` where none is named.
    """
    found = whose(asker, hospital, None, area)
    if found.hospital is None:
        raise TongpinError("analysis.hospital", "请选择一家机构", where="hospital", hint="在页面上方选择医疗机构")
    if not asker.grant.scope.sees_hospital(found.hospital):
        raise _outside("这里的数是全院的", "hospital")
    return found.hospital


def needs_money(asker: Identity) -> None:
    """Nothing, or DeniedError `sign_in.money` for a role that sees no money: the page consists of it."""
    if not asker.role.sees_money:
        raise DeniedError(
            "sign_in.money", f"“{asker.role.label}”不看金额", where="sees_money", hint="由看金额的岗位查看"
        )


def _own(held: frozenset[str] | None, wanted: str | None, what: str) -> str | None:
    """The one that is held, or wanted among those held."""
    if held is None:
        return None
    if wanted is not None and wanted not in held:
        raise _outside(f"这个岗位只看本{what}", wanted)
    return wanted or min(held)


def _outside(message: str, where: str) -> DeniedError:
    return DeniedError("sign_in.scope", message, where=where, hint="换有全部范围的岗位")
