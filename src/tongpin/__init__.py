"""Tongpin 同频: capture an inpatient case once, get both the money and the standing from it."""

from __future__ import annotations

__version__ = "0.1.0"
