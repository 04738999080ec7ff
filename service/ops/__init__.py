"""Health, metrics, and the built-in mailbox: what a person who runs this looks at.

The mailbox's pages are shown to this computer and to people signed in to the desk, and only where no relay is set.
"""
