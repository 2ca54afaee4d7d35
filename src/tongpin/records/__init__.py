"""Records 病案与清单: what a case is, and the national formats in and out.

What lives here: the case table, field tables, dictionaries and reading rules as data, readers and writers.
Comes in: 4101 JSON, settlement results, HQMS CSV, plain cases, own layouts. Goes out: typed cases and findings.
"""
