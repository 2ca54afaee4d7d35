"""Ledger 账簿: the settled money in double entry, in the four books, reconciled with everybody else's figures.

What lives here: accounts and posting rules as data, immutable postings and their reversals, the books of a year, the
four streams of returned money, the reconciliation of five records, cases treated away from home. Comes in: closed
months, decisions, settlement results, bank lines. Goes out: balanced postings, account balances, differences by case.
"""
