"""Health, and the built-in mailbox: what a person who runs this looks at."""
