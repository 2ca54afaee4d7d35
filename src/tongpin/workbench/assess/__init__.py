"""Assess 考核与规则: what the pages of 国考, publication, evaluation, policies, schemes and the catalogue show.

What lives here: the filing of a hospital-year, issues of the publication, papers as tables of a page, the entries of
every catalogue and where a home differs from them. Comes in: a home, and whose rows somebody sees. Goes out: what the
rooms below computed, in the shapes of the answers.
"""
