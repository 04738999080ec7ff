"""Whether an accent colour can be read on white paper (WCAG 2.2 SC 1.4.3)."""

import re

ENOUGH_CONTRAST = 4.5
_HEX = re.compile(r"#[0-9a-f]{6}\Z")


def is_colour(text: str) -> bool:
    return _HEX.match(text) is not None


def contrast_on_white(colour: str) -> float:
    red, green, blue = (_linear(int(colour[at : at + 2], 16) / 255) for at in (1, 3, 5))
    return 1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05)


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else float(((channel + 0.055) / 1.055) ** 2.4)
