"""The built-in mailbox: what a computer without a relay would have sent, kept to be read on a page.

Nouns: caught message. Loopback only; it never passes anything on.
"""
