"""Layouts 自有布局: what no national format covers, as data.

What lives here: the catalogue of layouts and the types that their fields can have. Comes in: `fields/layouts.csv` and
`fields/own_layouts.csv`. Goes out: what a layout holds, and how its values are read and written.
"""
