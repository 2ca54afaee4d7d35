"""Passwords 口令: argon2 hashes, a least length, random ones for first starts."""

from __future__ import annotations

import secrets
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from tongpin.base.errors import TongpinError

# Without letters and digits that people take for one another.
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
_GROUPS, _SIZE = 4, 4


@cache
def _hasher() -> PasswordHasher:
    return PasswordHasher()


def random_password() -> str:
    """A password to be shown once: four groups of four, about 79 bits."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(_SIZE)) for _ in range(_GROUPS))


def hashed(password: str, name: str, least: int) -> str:
    """The hash to keep; TongpinError `sign_in.weak` for a password too short or equal to the name."""
    if len(password) < least or password.strip().lower() == name.lower():
        raise TongpinError(
            "sign_in.weak", f"口令至少 {least} 个字符，且不能与登录名相同", where="password", hint="换一个长一点的口令"
        )
    return _hasher().hash(password)


def is_right(kept: str | None, password: str) -> bool:
    """Whether a password is the kept one; without a kept one the same time is spent."""
    try:
        return _hasher().verify(kept or _nobody(), password) and kept is not None
    except (VerificationError, InvalidHashError):
        return False


@cache
def _nobody() -> str:
    return _hasher().hash(secrets.token_hex())
