"""How quickly messages leave on this computer. No promise of another one: compare the two figures of one run, never figures of two."""
