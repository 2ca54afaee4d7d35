"""Approval 审批之后: what documents put forward, and what follows once they are approved.

What lives here: proposals made of draft runs, filings and new editions, their carrying out with the approved digest,
the register of stamps, the release of transfers, and their A4 papers. Comes in: a home, documents, identities. Goes
out: payloads, closed runs, submissions, installed editions and entries of the journal.
"""
