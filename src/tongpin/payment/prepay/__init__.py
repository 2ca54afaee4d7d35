"""Prepayment 预付: what a fund pays ahead, by two named schemes, and how it comes back.

What lives here: the yearly budget of S001, the monthly prepayment of the national notice, the account, the cash gap.
Comes in: spending of earlier years or months, the fund's reserve. Goes out: instalments, receivables, warnings.
"""
