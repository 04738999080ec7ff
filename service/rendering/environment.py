"""Jinja as our own templates use it. Only files under `templates/email` are templates; texts are always values."""

from functools import lru_cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape


@lru_cache(maxsize=8)
def of(templates: Path) -> Environment:
    made = Environment(
        loader=FileSystemLoader(templates / "email"),
        autoescape=select_autoescape(enabled_extensions=("html",), default=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters["whole"] = _whole
    return made


def _whole(text: str) -> str:
    """A few words that belong on one line. Word does not know `white-space`."""
    return text.replace("-", "\u2011").replace(" ", "\u00a0")
