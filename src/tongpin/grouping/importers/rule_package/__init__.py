"""JSON rule packages 规则包: the generated packages of an open CHS-DRG grouper.

What lives here: the meaning of the layout (data), sections and conditions as rules, leaves, guards for invalid codes.
Comes in: the folder of one version with its common package. Goes out: a draft of scheme tables, or what cannot be said.
"""
