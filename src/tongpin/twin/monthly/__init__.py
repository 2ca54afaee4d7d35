"""Monthly 月报与例会: what a department's monthly meeting and a month's report of a hospital or department need.

What lives here: changes that leave their intervals, cases to look at with reasons, the month's account, papers.
Comes in: closed months, their statements, figures, causes, lists. Goes out: `Meeting` and `Monthly`, docx and xlsx.
"""
