"""Workbench 工作台: the API and the pages that bureau and hospital work in.

What lives here: sign-in, roles, the REST API, the tables that people page through, events, and the built pages.
Comes in: a home (read through a `Scope`) and requests. Goes out: JSON, xlsx and the pages; every act is journalled.
"""
