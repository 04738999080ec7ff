"""How quickly messages leave on this computer, beside other senders on the same relay. No promise of another one: compare the
figures of one run, never figures of two. docs/BENCH.md says how to read them."""
