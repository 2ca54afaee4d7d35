"""Prepayment 预付: what a fund pays ahead, by two named schemes and by instant settlement, and how it comes back.

What lives here: plan, append-only account, offsets of a month, watching, settlement of a year, cash gap, papers.
Comes in: spending of earlier years, the fund's reserve, what closed months took. Goes out: entries, claims, papers.
"""
