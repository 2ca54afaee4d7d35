"""API 接口: the documented surface under `/api/v1` that pages and machines use.

What lives here: one module a subject, each with a `router`; the shapes it takes and gives, the one error shape, who is
asking. Comes in: requests. Goes out: JSON, files, events; nothing outside the asker's scope.
"""
