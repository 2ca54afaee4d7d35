"""Own layouts of the city 自有布局: what hospitals and the bureau keep beside records, drawn to agree with the records.

Comes in: the drawn stays of a hospital-month, the setting. Goes out: tables of the own layouts, exact to the fen.
"""
