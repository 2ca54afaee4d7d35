"""Machines 机器: what programs of a hospital or a bureau do through the API beside what people do on pages.

What lives here: schemes and editions kept ready in memory, cases taken in, groups and prices before settlement,
requests answered once. Comes in: an identity and plain data. Goes out: the rooms' own results, or a refusal.
"""
