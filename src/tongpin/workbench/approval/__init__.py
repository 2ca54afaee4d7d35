"""Approval 审批之后: what money documents put forward, and what follows once they are approved.

What lives here: proposals made of draft runs, their carrying out with the approved digest, the register of stamps, the
release of transfers, and their A4 papers. Comes in: a home, documents, identities. Goes out: payloads, closed runs and
entries of the journal.
"""
