"""Roles 岗位: what each may do, how far it sees, and which duty it has, as data (S003-17, S911-02)."""

from __future__ import annotations

from functools import cache, lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, ValidationError

from tongpin.base.errors import TongpinError
from tongpin.base.strict_yaml import Strict, first_fault, load_strict_yaml

if TYPE_CHECKING:
    from pathlib import Path

    from tongpin.store.home import Home

Desk = Literal["bureau", "hospital"]
Reach = Literal["region", "hospital", "department", "doctor", "cases"]
OWN_SETTINGS = "workbench.yaml"
"""The settings of a home, in its root."""
BLOCKS = ("oidc",)
"""What that file may hold besides single settings."""


class Role(Strict):
    """A role 岗位: `scope` is how far it sees, `duty` what it must not be joined with."""

    id: Annotated[str, Field(pattern=r"^[a-z_]+$")]
    label: str
    desk: Desk
    scope: Reach
    duty: str
    sees_money: bool
    needs_until: bool = False
    permissions: tuple[str, ...]


class _Roles(Strict):
    permissions: dict[str, str]
    roles: tuple[Role, ...]


class _Setting(Strict):
    label: str
    unit: Literal["minute", "hour", "day", "count", "megabyte"]
    value: Annotated[int, Field(gt=0)]
    assumed: bool = False


class _Settings(Strict):
    settings: dict[str, _Setting]


@cache
def _catalogue() -> _Roles:
    path = files("tongpin") / "catalogue" / "workbench" / "roles.yaml"
    found: _Roles = _read(path, _Roles)
    for role in found.roles:
        if unknown := sorted(set(role.permissions) - set(found.permissions)):
            raise TongpinError("workbench.roles", f"岗位 {role.id} 写了没有的权限", where=f"{path.name}：{unknown[0]}")
    return found


def roles() -> dict[str, Role]:
    """Every role by id."""
    return {role.id: role for role in _catalogue().roles}


def permissions() -> dict[str, str]:
    """Every permission with its label."""
    return dict(_catalogue().permissions)


def role_of(name: str) -> Role:
    """A role; TongpinError `workbench.role` when there is none of that id."""
    if name not in roles():
        raise TongpinError("workbench.role", f"没有岗位 {name}", where=name, hint="、".join(roles()))
    return roles()[name]


def settings_of(home: Home) -> dict[str, int]:
    """The settings by id; those of the home's own `workbench.yaml` stand first. TongpinError `workbench.setting`."""
    own = home.root / OWN_SETTINGS
    try:
        found = own.stat()
    except FileNotFoundError:
        return _shipped_settings()
    return _settings_of(own, (found.st_mtime_ns, found.st_size))


def own_block(home: Home, name: str) -> dict[str, Any] | None:
    """A block of the home's `workbench.yaml`, such as `oidc`; None where there is none."""
    own = home.root / OWN_SETTINGS
    return load_strict_yaml(own, "workbench").get(name) if own.exists() else None


@lru_cache(maxsize=64)
def _settings_of(own: Path, _: tuple[int, int]) -> dict[str, int]:
    """Read once, and again when the file has changed."""
    shipped = _shipped_settings()
    written = {name: value for name, value in load_strict_yaml(own, "workbench").items() if name not in BLOCKS}
    if unknown := sorted(set(written) - set(shipped)):
        raise TongpinError(
            "workbench.setting", f"没有参数 {unknown[0]}", where=OWN_SETTINGS, hint="可写：" + "、".join(shipped)
        )
    for name, value in written.items():
        if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
            raise TongpinError("workbench.setting", f"{name} 要写正整数", where=OWN_SETTINGS, hint="例如 30")
    return shipped | written


@cache
def _shipped_settings() -> dict[str, int]:
    path = files("tongpin") / "catalogue" / "workbench" / "settings.yaml"
    return {name: one.value for name, one in _read(path, _Settings).settings.items()}


def _read(path: Any, model: Any) -> Any:
    try:
        return model.model_validate(load_strict_yaml(path, "workbench"))
    except ValidationError as error:
        place, message, hint = first_fault(error)
        raise TongpinError("workbench.catalogue", message, where=f"{path.name}：{place}", hint=hint) from None
