"""The whole service on one computer: the sample newsroom, its newsletter, a desk account, a mailbox; and a tour through it.

Nothing in here is used by a real installation.
"""
