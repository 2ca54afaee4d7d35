"""Store 存储: where a home keeps its things.

What lives here: the home folder, the lake of Delta tables with list-level upsert, and the patient key. Comes in: Arrow
tables and names. Goes out: Arrow tables as they stand now or stood at a version; nothing here knows what a case means.
"""
