"""Evaluation 绩效评价: every hospital of an area scored in several dimensions and seen from several angles (S004-23).

What lives here: dimensions and weights as data, peer classes, scores with intervals, how each score came about.
Comes in: figures of `measures/table.py`, the register, reviews of deaths. Goes out: scores as data, words, a workbook.
"""
