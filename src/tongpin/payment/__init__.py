"""Payment 支付: what a grouped case is paid, and what a hospital gets for a month.

What lives here: dated policy editions, rates, the price of a case, the month it belongs to, the monthly statement.
Comes in: grouped cases, institutions, withdrawals, decisions and frozen lines of closed months, as Arrow tables.
Goes out: priced cases, posted lines, 月度支付情况表 and the yuan explained; every amount in integer fen.
"""
