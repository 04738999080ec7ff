"""Findings, each provoked once: by a real name server on loopback where the DNS is asked."""
