"""Policy editions 付费办法: dated values of every choice, and the days that decide which value holds.

What lives here: the vocabulary of parameters (data), the reader of an edition, look-ups by date and dimension, periods.
Comes in: an edition's folder and the dates of cases. Goes out: a value with its reference, or a refusal that names
the gap.
"""
