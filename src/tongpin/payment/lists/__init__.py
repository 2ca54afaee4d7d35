"""Lists 清单的时限与反馈: where each list stands, who must act until when, which are overdue, and the appeals.

Comes in: the lists, receipts, results, decisions and closed months of a home, and the clocks of its policy editions.
Goes out: standing lists, overdue decisions, publications, appeals and the eight dates, as Arrow tables and papers.
"""
