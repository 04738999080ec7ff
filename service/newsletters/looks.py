"""Whether an accent colour can be read on white paper (WCAG 2.2 SC 1.4.3)."""

import re

from service.rendering import colours

_HEX = re.compile(r"#[0-9a-f]{6}\Z")


def is_colour(text: str) -> bool:
    return _HEX.match(text) is not None


def is_legible(colour: str) -> bool:
    return colours.contrast(colour, "#ffffff") >= colours.ENOUGH
