"""The rows that account for every reader: who an edition goes to, what has been handed over, and what is left.

Nouns: run, span, delivery, notice. It knows ids only; who may still get mail is joined in `delivery`. This room never talks to
a relay, and its totals are recomputed from rows, never counted up. `docs/decisions/` tells why it is made this way.
"""
