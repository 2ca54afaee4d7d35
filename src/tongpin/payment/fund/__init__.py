"""The fund 基金运行: income, spending, budget and reserve of pooled funds, how the insured are treated and paid for.

Comes in: the monthly fund series, closed months and cleared years, a policy edition, events of the year to come.
Goes out: lines and alerts of a month, its publication, the quarterly bulletin, a forecast for a year with its steps
and intervals, the year of a fund, and the execution of hospitals' budgets as lines of the agreement sheet.
"""
