"""Faults 差错: what hospitals get wrong, one small function a kind, put into written lists on purpose.

Comes in: the 4101 messages of a hospital-month and the profile's shares. Goes out: the messages as sent, and the truth.
"""
