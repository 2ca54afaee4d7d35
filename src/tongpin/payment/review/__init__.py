"""Special cases 特例单议: from the application to the clearing line and the publication (S903-01, 02, 03).

What lives here: eligibility tests, the quota, the append-only account, the blind panel, the papers.
Comes in: closed months, experts, applications, votes. Goes out: decisions for step 8 of the clearing, publications.
"""
