"""Which characters a text may hold before it is laid out: titles from outside are cleaned, readers' values are judged."""

import re
import unicodedata

_BLANK_RUN = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff]+")
_LINE_ENDS = re.compile(r"\r\n?|[\u2028\u2029\x85\x0b\x0c]")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f\ufeff]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_UNUSABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
# Embeddings, overrides and isolates could close the isolate that we put around a value (UAX #9 §3.3.2).
_DIRECTION_CONTROLS = re.compile("[\u202a-\u202e\u2066-\u2069]")
_PICTURE_AS_DATA = re.compile(r"!\[[^\]]{0,1000}\]\(\s*<?data:[^)\s]*[^)]{0,1000}\)", re.IGNORECASE)


def single_line(text: str) -> str:
    """Collapse every run of white space and control characters into one blank (a broken title must not stop a send)."""
    return unicodedata.normalize("NFC", _BLANK_RUN.sub(" ", _SURROGATE.sub("\ufffd", text)).strip())


def paragraphs(text: str) -> str:
    """Give a text of several lines plain line ends, without control characters and without pictures as data: addresses."""
    kept = _PICTURE_AS_DATA.sub("", _SURROGATE.sub("\ufffd", text))
    return unicodedata.normalize("NFC", _CONTROL.sub("", _LINE_ENDS.sub("\n", kept)))


def is_unusable(value: str) -> bool:
    """Whether a reader's value holds line breaks, control characters or half characters."""
    return _UNUSABLE.search(value) is not None


def without_direction_controls(value: str) -> str:
    return _DIRECTION_CONTROLS.sub("", value)
