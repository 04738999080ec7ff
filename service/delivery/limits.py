"""How long we wait for a relay, and how long we keep a connection to it."""

from dataclasses import dataclass
from typing import Self

from service.settings import Settings


@dataclass(frozen=True)
class Timeouts:
    """Seconds, as RFC 5321 §4.5.3.2 has them; it says nothing of a connection that does not come about."""

    connect: float = 30
    greeting: float = 300  # the greeting, and each reply up to the end of the login
    mail: float = 300
    rcpt: float = 300
    data: float = 120
    block: float = 180  # a message is being written and the relay reads none of it
    dot: float = 600

    @classmethod
    def of(cls, chosen: Settings) -> Self:
        return cls(
            connect=chosen.relay_connect_timeout,
            greeting=chosen.relay_greeting_timeout,
            mail=chosen.relay_mail_timeout,
            rcpt=chosen.relay_rcpt_timeout,
            data=chosen.relay_data_timeout,
            block=chosen.relay_block_timeout,
            dot=chosen.relay_dot_timeout,
        )

    @classmethod
    def alike(cls, seconds: float) -> Self:
        return cls(*[seconds] * 7)


@dataclass(frozen=True)
class Limits:
    """When a connection has done its share and a fresh one takes over."""

    messages: int = 1_000
    age_seconds: float = 300
    idle_seconds: float = 50  # relays close idle connections after 60 s and more

    @classmethod
    def of(cls, chosen: Settings) -> Self:
        return cls(
            messages=chosen.relay_connection_messages,
            age_seconds=chosen.relay_connection_age,
            idle_seconds=chosen.relay_connection_idle,
        )
