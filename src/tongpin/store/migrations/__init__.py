"""Migrations 升级脚本: how the control database comes to the tables that the rooms declare, step by step.

A new step: copy the newest file of `versions` to `vNNNN_what.py`, give it the next `revision` and the one before as
`down_revision`, and write `upgrade()` by hand (`op.create_table`, `op.add_column`, `op.create_index`). Types and names
are those of the room's tables: `tests/store/test_control.py` compares both on SQLite and PostgreSQL. A released step is
never edited, and there is no way back (`downgrade` is not offered): what a step did wrong the next one mends.
"""
