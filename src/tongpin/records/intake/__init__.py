"""Intake 收件: from files to the lake, and what became of every record.

What lives here: telling kinds, reading, loading in one transaction, findings and their history, states of a list.
Comes in: files. Goes out: rows of the lake, a balance of records, the dossier of a case.
"""
