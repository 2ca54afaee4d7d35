"""Analysis 分析: what the pages of measures, causes, portfolio, forecast and negotiation show.

What lives here: whose figures an identity may look at, long computations run once in threads, kept views, the shapes of
the answers, the papers to download. Comes in: a home and an identity's scope. Goes out: what the rooms below computed,
own rows by name, everybody else's only as sums or under code names.
"""
