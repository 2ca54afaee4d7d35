"""Writers 写出器: the case table in the national formats.

What lives here: one file for each format, and the columns they share. Comes in: cases and code names.
Goes out: files that the readers of this room read back to the same cases.
"""
