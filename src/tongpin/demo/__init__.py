"""Demo 演示城市: invented cities that write record files and own layouts, the same from every seed.

Comes in: the plan (`demo/plan`: profiles and case mix, all assumed), a grouping scheme, how many lists or months.
Goes out: files of hospital-months as hospitals would send them, and apart from them the truth about what was planted.
"""
