"""What is not kept for ever: a delivery's details once its edition is old, and people who asked and never confirmed.

Of an old edition its counts stay, and its proof as it was when the details went. This room decides what is old and lets it go, piece by
piece; whoever is killed in the middle loses nothing: what goes is said before it goes, and what is left is found again.
"""
