"""Whether what this service leans on is as it has to be: the domain's records, the relay, the public address, the machine.

    facts (one read) -> evidence, gathered by many at once, each within its time -> pure judges -> findings -> an examination, kept

What gathers decides nothing, and what judges (`spf_verdict`, `dkim_verdict`, `dmarc_verdict`, …) asks nothing. "I could not ask" is
never told as "it is not there". This room changes nothing but its own last results.
"""
