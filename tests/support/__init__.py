"""The tools of tests: a scripted relay, a small newsroom, a clock moved by hand, databases, processes, and the one check for messages."""
