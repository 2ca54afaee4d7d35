"""Bench 基准: reproducible timings with the floor beside them.

What lives here: benchmarks that draw their own data from a seed. Comes in: the rooms they measure. Goes out: medians
and ratios measured in one run, never a single absolute figure; nothing here is used by the product.
"""
