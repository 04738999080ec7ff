"""The command `memo`."""

from service.cli.commands import app, main

__all__ = ["app", "main"]
