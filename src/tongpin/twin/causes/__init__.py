"""Causes 亏损原因: why a result differs from its base, in parts that sum to the difference, and what suggests a cause.

What lives here: the decomposition of a settlement result, its break-down by diagnosis and doctor, the cause dictionary.
Comes in: posted lists, front pages, regrouped cases. Goes out: parts in fen, causes with cases, workbook and A4 paper.
"""
