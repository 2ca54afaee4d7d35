"""Documents 公文: what is decided by several hands, and how far each decision has come.

What lives here: kinds of documents, the duty matrix, and the steps of a document from draft to approval. Comes in: a
connection to the control database, payloads and actors. Goes out: documents with their history, or a refusal that says
which duty it would break; each step stands in the journal in the same transaction.
"""
