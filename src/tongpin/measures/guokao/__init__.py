"""Guokao 国考: the indicators of the national assessment of public hospitals, their filing, scores and proposals.

What lives here: the indicator sets as data, values from records and filed figures, checks, filing tasks, simulations.
Comes in: front pages, visits, staff, closed months and filed figures. Goes out: values, findings, papers, and scores.
"""
