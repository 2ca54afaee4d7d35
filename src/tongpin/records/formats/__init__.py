"""Formats 格式: what the formats are, as data.

What lives here: field tables and dictionaries, read from `fields/` and refused when malformed. Comes in: the data
files of this room. Goes out: fields, codes and words by name.
"""
