"""Compiled schemes 编译的方案: the same groups, three orders of magnitude faster.

What lives here: the flat rule list, its bitset tables, the kernel, the stage from table to table, one case, the store
of compiled schemes. Comes in: `SchemeTables` and case tables. Goes out: `status, mdc, adrg, drg` for every case.
"""
