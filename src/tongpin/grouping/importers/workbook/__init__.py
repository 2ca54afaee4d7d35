"""The circulated workbook 流传的工作簿: sheets of MDC, ADRG, DRG, lists and rule texts.

What lives here: the sheets and their columns, the parser of rule texts. Comes in: one xlsx. Goes out: a draft of scheme
tables, or every cell that has to be mended, with sheet, row and column.
"""
