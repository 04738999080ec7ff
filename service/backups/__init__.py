"""Copies of the database: made while it is at work, put back, and recognised when somebody else has put one back.

Nouns: copy, marker (what this machine remembers outside the database), hold (nothing leaves until a person has decided). An older copy
does not know who has got an edition since; so whatever was open in it stops, and only a person lets it go on.
"""
