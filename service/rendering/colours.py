"""Colours that can be read: the newsletter's accent, moved until it has contrast (WCAG 2.2 SC 1.4.3)."""

import re
from dataclasses import dataclass

ENOUGH = 4.5
# The darkest ground that text stands on by day, and the lightest by night (code and late updates in `_style.css`, `_night.css`).
PAPER = "#f2efe8"
NIGHT = "#33280f"
_HEX = re.compile(r"#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})\Z")
_FALLBACK = "9b1c1c"
_STEPS = 40


@dataclass(frozen=True)
class Accent:
    """The accent as it is, for rules and bars, and as ink by day and by night."""

    plain: str
    day: str
    night: str


def accent(colour: str, *, day: str = PAPER, night: str = NIGHT) -> Accent:
    """As ink on these grounds. Anything that is no hex colour gives the house's own: a colour is never a reason not to send."""
    found = _HEX.match(colour.strip())
    digits = found.group(1) if found else _FALLBACK
    if len(digits) == 3:
        digits = "".join(digit * 2 for digit in digits)
    plain = f"#{digits.lower()}"
    return Accent(plain, readable(plain, day), readable(plain, night))


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def readable(colour: str, ground: str) -> str:
    """The nearest mix with black (on a light ground) or white (on a dark one) that reaches the contrast."""
    target = 0 if luminance(ground) > 0.2 else 255
    for step in range(_STEPS + 1):
        mixed = _mixed(colour, target, step / _STEPS)
        if contrast(mixed, ground) >= ENOUGH:
            return mixed
    return "#000000" if target == 0 else "#ffffff"


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _mixed(colour: str, target: int, share: float) -> str:
    red, green, blue = (round(c + (target - c) * share) for c in _channels(colour))
    return f"#{red:02x}{green:02x}{blue:02x}"


def luminance(colour: str) -> float:
    def linear(channel: int) -> float:
        value = channel / 255
        return value / 12.92 if value <= 0.04045 else float(((value + 0.055) / 1.055) ** 2.4)

    red, green, blue = (linear(c) for c in _channels(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
