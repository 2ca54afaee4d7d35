"""Report 报表: writers that know tables, figures and paper, but no domain.

What lives here: Chinese wording of amounts, formatted xlsx sheets, charts as inline SVG, self-contained HTML pages.
Comes in: Arrow tables, plain values, Vega-Lite specifications. Goes out: files that open formatted and request nothing.
"""
