"""Tongpin 同频: capture an inpatient case once, get both the money and the standing from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tongpin.grouping.scheme import Scheme

__all__ = ["Scheme", "__version__"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """`Scheme`, imported when it is asked for: `import tongpin` itself stays light."""
    if name == "Scheme":
        from tongpin.grouping.scheme import Scheme

        return Scheme
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
