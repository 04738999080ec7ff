"""Who is at work: a row for each worker's process, renewed by its tick, with what it has done so far.

This room owns those rows and says what each process holds. It gives out no work: a span is taken and lost by the ledger's own rules.
"""
