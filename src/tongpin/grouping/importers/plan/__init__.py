"""The plan template 方案模板: an official grouping plan filled in by coders.

What lives here: the sheets of the template, its words, the reader and the writer. Comes in: a filled template, or a
scheme to write out. Goes out: a draft of scheme tables, or every cell that has to be mended; an xlsx to fill in.
"""
