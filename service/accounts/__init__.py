"""People who publish and programs that act for them.

Nouns: account, session, key, kept reply. Passwords are argon2id, random secrets SHA-256; none can be read back. This room never
knows what an account is allowed to see on a page.
"""
