"""Report 报表: writers that know tables, figures and paper, but no domain.

What lives here: Chinese wording of amounts, xlsx sheets, charts as inline SVG, HTML pages, A4 papers as pdf and docx.
Comes in: Arrow tables, plain values, Vega-Lite specifications. Goes out: files that open formatted and request nothing.
"""
