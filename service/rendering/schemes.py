"""A finished page by day or by night, whatever the machine it is looked at prefers: for looking at, never for sending."""

from typing import Literal

Scheme = Literal["light", "dark"]
_WISH = "(prefers-color-scheme:dark)"
_BOTH = "light dark"
_ALWAYS, _NEVER = "(min-width:0)", "(max-width:0)"


def shown(page: str, scheme: Scheme) -> str:
    """The same page, with the question for the reader's wish answered. Only its head is touched, where no text of an editor stands
    but the title."""
    head, end, rest = page.partition("</head>")
    answered = head.replace(_WISH, _ALWAYS if scheme == "dark" else _NEVER).replace(_BOTH, scheme)
    return answered + end + rest
