"""Demo 演示城市: an invented prefecture that writes record files in the national formats, the same from every seed.

Comes in: the plan (`demo/plan`: profile and case mix, all assumed), a grouping scheme folder, how many lists.
Goes out: files of hospital-months as hospitals would send them, and apart from them the truth about planted faults.
"""
