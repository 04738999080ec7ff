"""What comes back after the relay has accepted: read, judged, applied.

Nouns: report (a mail or a relay's event about a message of ours), finding (what it says of one recipient), return path, decision.
`report` and `policy` are pure. This room never decides what a relay's reply means: `delivery.outcome` does, for reports as well.
"""
