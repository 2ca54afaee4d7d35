"""Scheme tables 方案表: a scheme as plain data, and its literal reading.

What lives here: the `when` language, the tables as data, the reader of a table folder, the interpreter that is the
reference. Comes in: a folder of CSV tables, one case. Goes out: `SchemeTables` or every fault; a group.
"""
