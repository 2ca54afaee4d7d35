"""Files 文件: the bytes of any export made into whole records.

What lives here: encodings, separated text, pieces of large files, archives, workbooks. Comes in: files of any size and
packing. Goes out: pieces that hold whole records, or why there are none.
"""
