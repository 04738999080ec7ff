"""What the desk says of a relay: what it is for, how it is, and what is known of its kind."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlmodel import Session

from service import database, pages
from service.delivery import (
    profiles,
    provider_limits,
    quota,
    relay_choice,
    relay_register,
    seat_rows,
)
from service.delivery.models import ProviderLimit, Relay, Role
from service.delivery.profiles import Profile
from service.desk import slowed
from service.newsletters import publication

TLS_WORDS = {
    "required": "STARTTLS, required",
    "implicit": "implicit TLS",
    "opportunistic": "STARTTLS if offered",
    "none": "not encrypted",
}


@dataclass(frozen=True)
class Card:
    """`health` is one of "works", "resting" (it failed and is tried again by itself), "away" (its fallback stands in), "idle"."""

    relay: Relay
    profile: Profile
    is_in_use: bool
    health: str
    said: str
    left: str | None = None  # of its quotas
    slowed: tuple[str, ...] = ()  # who asked for less, and what is allowed now
    limits: tuple[ProviderLimit, ...] = ()  # ours, by provider
    connections: str | None = None  # how many of those that workers share are given out

    @property
    def where(self) -> str:
        host = f"[{self.relay.host}]" if ":" in self.relay.host else self.relay.host
        return f"{host}:{self.relay.port}"

    @property
    def tls(self) -> str:
        return TLS_WORDS.get(self.relay.tls, self.relay.tls)


@dataclass(frozen=True)
class Relays:
    cards: tuple[Card, ...]
    senders: tuple[str, ...]
    has_setting: bool

    @property
    def in_use(self) -> Card | None:
        return next((card for card in self.cards if card.is_in_use), None)

    @property
    def has_fallback(self) -> bool:
        return any(card.relay.role is Role.FALLBACK for card in self.cards)


def of(session: Session, *, connections: int | None = None) -> Relays:
    """`connections`: how many all workers have at a relay whose row does not say it."""
    used = relay_choice.used(session)
    newsletters = publication.all_of(session)
    zone, now = publication.newsroom_zone(session), database.now(session)
    rows = relay_register.all_of(session)
    return Relays(
        cards=tuple(
            replace(
                card(row, used=used, zone=zone, now=now),
                left=quota.words_left(session, row),
                slowed=slowed.lines(session, row.name, zone, now),
                limits=tuple(provider_limits.rows_of(session, row.name)),
                connections=_connections(session, row.name, row.connections or connections),
            )
            for row in rows
        ),
        senders=tuple(dict.fromkeys(one.from_address for one in newsletters)),
        has_setting=any(row.is_from_setting for row in rows),
    )


def _connections(session: Session, name: str, connections: int | None) -> str | None:
    if connections is None:
        return None
    given, workers = seat_rows.open_now(session, name)
    if not given:
        return f"None of its {connections:,} connections is in use."
    return (
        f"{given:,} of its {connections:,} connections {'are' if given > 1 else 'is'} in use,"
        f" by {workers:,} {'workers' if workers > 1 else 'worker'}."
    )


def card(relay: Relay, *, used: Relay | None, zone: str, now: datetime) -> Card:
    is_in_use = used is not None and used.id == relay.id
    health, said = _health(relay, is_in_use, zone, now)
    return Card(relay, profiles.BY_KEY.get(relay.profile, profiles.GENERIC), is_in_use, health, said)


def _health(relay: Relay, is_in_use: bool, zone: str, now: datetime) -> tuple[str, str]:
    problem = f" {relay.problem.rstrip('.')}." if relay.problem else ""
    if relay.role is Role.MAIN and relay.handed_over_at is not None and not is_in_use:
        away = pages.local(relay.handed_over_at, zone, "%d %b, %H:%M")
        return "away", f"Out of reach; its fallback stands in since {away}.{problem}"
    if relay.paused_because is not None:
        return "resting", f"Paused: {relay.paused_because.rstrip('.')}. Editions wait; notices still leave."
    if relay.problem:
        since = f" since {pages.local(relay.since, zone, '%d %b, %H:%M')}" if relay.since else ""
        waits = relay.wait_until is not None and relay.wait_until > now
        again = (
            f" Next try at {pages.local(relay.wait_until, zone, '%H:%M:%S')}."
            if waits and relay.wait_until
            else ""
        )
        return "resting", f"Takes nothing{since}:{problem}{again}"
    if relay.rest_until is not None and relay.rest_until > now:
        again = pages.local(relay.rest_until, zone, "%d %b, %H:%M")
        return (
            "resting",
            f"{relay.rest_reason}. Editions go on by themselves from {again}; notices still leave.",
        )
    if is_in_use:
        return "works", "Messages go through it. No trouble is known."
    return "idle", IDLE[relay.role]


IDLE = {
    Role.MAIN: "MEMO_RELAY_URL names the main relay; without that setting this one is.",
    Role.FALLBACK: "It stands in when the main relay is out of reach.",
    Role.OFF: "Nothing is sent through it.",
}


def find(found: Relays, name: str) -> Card:
    card = next((one for one in found.cards if one.relay.name == name), None)
    if card is None:
        raise relay_register.RelayNotFound
    return card


def known(profile: Profile) -> Sequence[tuple[str, str]]:
    """What is known of its kind, for a list of terms."""
    ours = "reach the reader as we wrote them" if profile.keeps_bytes else "are changed on the way"
    return (
        ("Signs", profile.signs),
        ("Our bytes", ours),
        ("Our Message-ID", profile.message_id.value),
        ("Our return path", profile.return_path.value),
        ("Encryption", profile.tls),
        ("Quota", profile.quota),
    )
