"""Daily 院长日报: one screen a day for the director and the insurance office (S904-02).

What lives here: yesterday's discharges, patients in house against the standard, returned lists, the month to its end,
special cases before their deadline. Comes in: a home and a day. Goes out: a page, a short text, figures to push.
"""
