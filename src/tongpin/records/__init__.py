"""Records 病案与清单: what a case is, and the national formats in and out.

What lives here, from the ground up: `formats`, `case`, `layouts`, `files`, `readers`, `writers`, `views`, `intake`.
Comes in: 4101 JSON, settlement results, HQMS CSV and xlsx, plain cases, own layouts. Goes out: typed cases, findings.
"""
