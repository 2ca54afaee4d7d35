"""Case 病例: what a typed case is.

What lives here: its columns, the reading rules, texts made into typed columns and nested lists. Comes in: texts under
national or own names. Goes out: typed cases, persons apart from them, findings.
"""
