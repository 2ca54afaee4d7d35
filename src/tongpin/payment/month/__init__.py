"""The month 月结: steps 6 and 7 of the order C0, posted once and never reopened.

What lives here: interim bills, posting of late lists and reversals, the monthly statement, the run that closes a month.
Comes in: priced cases, withdrawals, decisions. Goes out: posted lines, 月度支付情况表, the month's manifest.
"""
