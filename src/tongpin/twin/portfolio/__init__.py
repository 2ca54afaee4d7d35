"""Portfolio 病组组合: which groups a hospital lives on, what stopping or growing one does, and what may be moved.

What lives here: classes and trends of groups, what-if figures, the optimiser of case-mix moves under mission limits.
Comes in: priced lists and grouped front pages of closed months. Goes out: a pyramid, before and after, and a frontier.
"""
