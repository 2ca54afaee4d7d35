"""Forecast 年末预测: the year-end settlement and the 国考 indicators at once, with intervals that a back-test measures.

What lives here: models of monthly flows, scenarios, year-end clearing of expected flows, values, a draft's back-test.
Comes in: closed months, front pages, filed figures, an edition. Goes out: year-end tables with intervals, papers.
"""
