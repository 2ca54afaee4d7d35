"""Write 写出: the writers of all formats in one place."""

from __future__ import annotations

from tongpin.records.writers.front_page import write_front_page
from tongpin.records.writers.plain import write_plain
from tongpin.records.writers.settlement_list import write_settlement_list
from tongpin.records.writers.settlement_result import write_settlement_results
from tongpin.records.writers.shared import Names

__all__ = ["Names", "write_front_page", "write_plain", "write_settlement_list", "write_settlement_results"]
