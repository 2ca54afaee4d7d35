"""Weights 权重: relative weights, history coefficients, negotiation rounds, version days, the group catalogue.

What lives here: trimming, weights and their order, spread, coefficients, repricing, rounds, proposals.
Comes in: grouped cases, editions and institutions.
Goes out: weight tables that keep their total, effects that close to the fen, rounds and proposals
with evidence counted from cases.
"""
