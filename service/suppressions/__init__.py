"""Addresses we will not mail, why, and since when.

Nouns: suppression. Addresses are compared by keyed hash, so erasing a person can keep the block. This room never decides
whether a reply deserves a suppression.
"""
