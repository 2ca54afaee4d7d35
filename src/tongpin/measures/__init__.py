"""Measures 指标: the catalogue of figures as data, and the one way of computing them.

What lives here: strict loading of `catalogue/measures`, additive facts of a case, benchmarks, risk levels, `compute`.
Comes in: grouped or priced cases (Arrow) and benchmark tables. Goes out: exact sums and, at the edge, ratios per slice.
"""
