"""Identity 身份: somebody acting in one role, what that allows, and whose rows it shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tongpin.base.errors import TongpinError
from tongpin.documents.actors import Actor
from tongpin.store.scope import Scope

if TYPE_CHECKING:
    from datetime import datetime

    from tongpin.store.home import Home
    from tongpin.workbench.sign_in.roles import Role


class DeniedError(TongpinError):
    """An act that the role does not allow; the message says which permission is missing and who has it."""


@dataclass(frozen=True)
class Grant:
    """A role given to a user, with its reach, its end and its giver."""

    id: int
    role: Role
    area: str | None = None
    hospital: str | None = None
    department: str | None = None
    doctor: str | None = None
    cases: tuple[str, ...] = ()
    until: datetime | None = None
    granted_by: str = ""
    granted_at: datetime | None = None

    @property
    def scope(self) -> Scope:
        """Whose rows it shows; a reach without its name shows nothing."""
        reach = self.role.scope
        if reach == "region":
            return Scope()
        if reach == "cases":
            return Scope(cases=frozenset(self.cases))
        scope = Scope(hospitals=frozenset([self.hospital] if self.hospital else []))
        if reach == "department":
            return Scope(hospitals=scope.hospitals, departments=frozenset([self.department] if self.department else []))
        if reach == "doctor":
            return Scope(hospitals=scope.hospitals, doctors=frozenset([self.doctor] if self.doctor else []))
        return scope


@dataclass(frozen=True)
class Identity:
    """A signed-in user in one role; `token_scopes` narrows what a machine's token may do (None: a person)."""

    user_id: int
    name: str
    display: str
    grant: Grant
    grants: tuple[Grant, ...]
    must_change: bool = False
    csrf: str = ""
    token_scopes: frozenset[str] | None = None
    per_minute: int = 0
    token: str = ""

    @property
    def role(self) -> Role:
        """The role it acts in."""
        return self.grant.role

    @property
    def permissions(self) -> frozenset[str]:
        """What it may do now; before a first password is changed, nothing."""
        if self.must_change:
            return frozenset()
        own = frozenset(self.role.permissions)
        return own if self.token_scopes is None else own & self.token_scopes

    @property
    def actor(self) -> Actor:
        """The person as documents and the journal know it."""
        return Actor(self.name, (self.role.id,), self.grant.scope)

    def require(self, permission: str) -> None:
        """Nothing, or DeniedError `sign_in.denied` when the role lacks a permission."""
        if permission in self.permissions:
            return
        from tongpin.workbench.sign_in.roles import permissions, roles

        if self.must_change:
            raise DeniedError("sign_in.must_change", "请先修改首次登录的口令", where="password", hint="改完再继续")
        label = permissions().get(permission, permission)
        holders = "、".join(role.label for role in roles().values() if permission in role.permissions)
        raise DeniedError(
            "sign_in.denied",
            f"以“{self.role.label}”的身份不能做“{label}”",
            where=permission,
            hint=f"能做的岗位：{holders}" if holders else "没有岗位能做",
        )

    def check_area(self, area: str | None) -> None:
        """Nothing, or DeniedError `sign_in.area` when a grant is for another area than the one that is asked for."""
        if self.grant.area is not None and area not in {None, "", self.grant.area}:
            raise DeniedError("sign_in.area", f"岗位只管统筹区 {self.grant.area}", where="area", hint="换统筹区")

    def desk(self, home: Home) -> Home:
        """The home as this identity sees it: reads below obey its scope."""
        return home.within(self.grant.scope)
