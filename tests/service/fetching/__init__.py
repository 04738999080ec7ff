"""Fetching against a real web server on loopback."""
