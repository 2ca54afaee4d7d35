"""Base 地基: the few words every room shares.

What lives here: errors with a stable code, findings as data, exact money, digests, strict YAML.
Comes in: nothing of Tongpin. Goes out: small types and pure functions without files of their own.
"""
