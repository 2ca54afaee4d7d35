"""Listings 列表: every table that people page, filter, sort and export, each a data file and a loader.

What lives here: the definitions' reader, loaders by name, the cache of what they loaded, the queries over it. Comes in:
a scoped home and parameters. Goes out: a page of rows, sums, an xlsx. A new list is a file in
`catalogue/workbench/listings/` and a function `load_<id>` in the module that it names.
"""
