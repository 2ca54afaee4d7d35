"""Pricing 定价: steps 1 to 5 of the order C0, for every case, as columns.

What lives here: scope, level rates, the standard, outlier classes and what they are paid, the pool payable.
Comes in: grouped cases, an edition, institutions. Goes out: the same cases with amounts in integer fen.
"""
