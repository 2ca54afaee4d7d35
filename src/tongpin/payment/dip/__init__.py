"""DIP 按病种分值付费: a catalogue of diseases built from history, cases grouped against it, scored and priced.

What lives here: the catalogue and its scheme tables, point values, deviation, auxiliary and violation catalogues.
Comes in: cases, an edition, institutions. Goes out: catalogues as folders, and cases priced as pricing prices them.
"""
