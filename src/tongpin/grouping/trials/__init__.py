"""Trials 试题: cases with expected answers, and what came out instead.

What lives here: the cases that lie beside a scheme, the conformance suite that any grouper can take. Comes in: a scheme
or a suite. Goes out: findings, one for every answer that differs; table folders and case files for other groupers.
"""
