"""What a report says of one recipient, before it is judged."""

from typing import NamedTuple


class Saying(NamedTuple):
    recipient: str | None
    text: str = ""  # the diagnostic: at best the other server's reply
    status: str = ""  # the Status field, "5.1.1"
    action: str = ""  # the Action field, small letters; "" where there is none
    around: str = ""  # the words for people, which may tell at which command the reply came
