"""Python groupers 开源分组器: a variant of OpenDRG's checkout read with `ast`, never run.

What lives here: the checkout and its files, the grammar of rules and leaves, data files, body sites. Comes in: the
folder of one variant. Goes out: a draft of scheme tables, or every construct that is not known, with its line.
"""
