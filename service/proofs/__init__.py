"""What can be shown of an edition to others: one file that accounts for every reader, adds up, and is signed.

Nouns: proof, facts, totals, form (JSON or CSV), seal. It reads in pages and changes nothing; a proof that would not add up is not
made. Whoever has the public key can check one without us: `docs/decisions/` tells how.
"""
