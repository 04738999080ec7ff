"""The built-in mailbox: what a computer without a relay would have sent, kept to be read on a page.

message on loopback -> catcher -> store.keep (committed) -> 250; a page -> store.page, store.get -> reading.opened

Nouns: caught message. Loopback only; it never passes anything on, and it never runs beside a real relay.
"""
