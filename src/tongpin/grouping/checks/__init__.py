"""What a scheme check reasons with 方案检查的推理.

What lives here: sets of cases as regions, the proof that a leaf is reached or not, gaps, overlaps, codes without use.
Comes in: a loaded scheme. Goes out: findings with file and row; nothing is changed or reordered.
"""
