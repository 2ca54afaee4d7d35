"""Policy editions 付费办法: dated values of every choice, which edition pays a case, and the days that decide.

What lives here: the vocabulary of parameters (data), the reader of an edition, its check, its prose and schema, drafts,
routes by scheme key, look-ups by date and dimension, periods. Comes in: an edition's folder and the dates and scheme
keys of cases. Goes out: a value with its reference, an edition for each case, or a refusal that names the gap.
"""
