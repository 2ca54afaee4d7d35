"""Negotiation 谈判材料: the evidence a hospital brings when it asks for another standard of some groups (S000-38).

What lives here: figures of groups against peers, difficulty, trend, 国考 results, what a higher standard does to funds.
Comes in: closed months, front pages, imported cost, an edition. Goes out: a pack as data, on paper, as a workbook.
"""
