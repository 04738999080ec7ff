"""Reader lists of elsewhere brought in: a spreadsheet's file read, shown beforehand, and entered piece by piece.

    bytes -> encoding, delimiter, columns recognised -> shown -> a person says how the readers agreed -> entered by a worker

Nouns: import (a row: one file for one newsletter), layout (how its file is to be read), candidate (a row with an address that can be
used), fault (a row without). Reading is pure. This room asks nobody by mail, and brings back nobody who has left: `subscribers`
decides who is entered.
"""
