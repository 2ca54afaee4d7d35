"""Readers 读入器: one file for each format of records.

What lives here: the edge that turns a format into text columns. Comes in: decoded bytes or text tables.
Goes out: typed cases and the sheet of findings.
"""
