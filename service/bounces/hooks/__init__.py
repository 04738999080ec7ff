"""What relays tell us over the web, at `/hooks/{relay}/{secret}`: one address for each relay, events in the relay's own form.

    a request -> the hook of that relay and secret -> proved on its raw bytes -> read into findings -> kept, each event once -> 2xx

Proving and reading are pure (`formats` has the list; one file for each form). Rows: `register` (the addresses and their secrets) and
`keeping` (the events, until they are handled and for some weeks after). The door is `service.hooks`.
"""
