"""The fund 基金运行: income, spending, budget and reserve of the pooled funds, and growth by hospital and service.

Comes in: the monthly fund series, the posted lines of closed months, a policy edition, events of the year to come.
Goes out: figures of a quarter with their alerts, a forecast for a year with its steps and interval, two workbooks.
"""
