"""The year 年度清算: steps 8 to 14 of the order C0, closed once and reopened only by a reversal.

What lives here: the steps, the bands, the run that closes a clearing year, next year's base, the 清算书 on paper.
Comes in: posted lines and statements of closed months, dated decisions. Goes out: places cleared to the fen, explained.
"""
