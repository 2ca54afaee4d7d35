"""Importers 方案导入: what others publish becomes a folder of scheme tables; parsed, never run.

What lives here: one module per layout (Python groupers, circulated workbook, JSON packages, plan template) and the
draft they all fill. Comes in: a folder or file of that layout. Goes out: scheme tables with the place in the source of
every row, findings a coder can act on, and the provenance; nothing of a source is shipped.
"""
