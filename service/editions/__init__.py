"""Dated instances of a newsletter: what is in them, when they leave, and what became of each planned slot.

Nouns: edition, version (its blocks as one document), rendition (the same as bytes with holes), item, cadence, occurrence. This
room never talks to a relay.
"""
