"""Publication 统计公布: the bureau's monthly figures and quarterly bulletin for counties and hospitals (S003-24).

What lives here: sections as data, the same sheet for every hospital, directed editions with masked peers (S910-01).
Comes in: figures of `measures/table.py`, the publication of closed months. Goes out: `Published` as data, xlsx, A4 PDF.
"""
