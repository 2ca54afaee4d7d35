"""Views 口径: how loaded records are taken.

What lives here: the reading edition by date, completeness, bills of one stay, code maps, comparing list and page.
Comes in: typed cases. Goes out: cases and tables as a policy or a person asks for them.
"""
