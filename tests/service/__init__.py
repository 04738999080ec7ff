"""Tests against a real database, on SQLite and on PostgreSQL, and a real SMTP server on loopback."""
