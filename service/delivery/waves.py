"""When many readers get the same refusal: what makes two refusals the same. Pure."""

import re

from service.delivery import outcome
from service.delivery.outcome import Outcome

WORDS_CHARACTERS = 200
OF_THE_MESSAGE = (
    "the message"  # a wave of its own: refused for its bytes or for what we said, in whatever words
)
_ADDRESS = re.compile(r"\S+@\S+")
_ENHANCED = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")
_ONE_TIME = re.compile(r"(?=[\w.:-]*\d)[\w.:-]{6,}")  # session numbers, addresses of hosts, times


def words(said: str, address: str) -> str:
    """What a recorded reply says, without what differs from reader to reader."""
    local = re.escape(address.partition("@")[0])
    text = _ADDRESS.sub("…", re.sub(rf"(?<!\w){local}(?!\w)", "…", said[:500]))
    return _ONE_TIME.sub(lambda found: found[0] if _ENHANCED.fullmatch(found[0]) else "…", text)[
        :WORDS_CHARACTERS
    ]


def wave_of(judged: Outcome, address: str) -> str | None:
    """The wave that this outcome may be a part of; None for what is no refusal."""
    if outcome.stops_the_edition(judged):
        return OF_THE_MESSAGE
    if outcome.is_negative_for_good(judged):
        return words(outcome.as_recorded(judged), address)
    return None
