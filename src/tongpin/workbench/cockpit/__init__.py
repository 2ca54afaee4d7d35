"""Cockpit 驾驶舱: the month at a glance for bureau, hospital, department and doctor, and the alerts of both desks.

What lives here: whose view it is, its figures, pairs, charts, progress and loop, the two alert rules and their watch.
Comes in: a home with closed months and who looks at it. Goes out: answers of the API, each leading on to its cases.
"""
