"""Grouping 分组: a scheme (data) puts a case into a group, and can say why.

What lives here: the declarative scheme model, the parser of `when`, the interpreter (slow, obviously correct), the
compiler and the kernel (fast, the same answers), import and checks. Comes in: scheme tables and a case table.
Goes out: the case table with `status, mdc, adrg, drg`; schemes are data folders, never code.
"""
