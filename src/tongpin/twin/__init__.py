"""Twin 协同: the same month seen from both desks, 医保结算 and 绩效考核, on one set of numbers.

What lives here: mirror map, red lines, portfolio, crossing list, the filter of advice, the joint report and its faces.
Comes in: priced lists, grouped front pages, institutions, the statement. Goes out: `JointReport` and two files.
"""
