"""Whether an edition was handed over by its deadline, decided once for each, and the call that says so to a watcher outside.

A process that has died cannot ring an alarm, so the good news is told instead: a watcher that hears nothing by its own hour rings.
This room never stops or starts anything: what leaves, and when, is decided elsewhere.
"""
