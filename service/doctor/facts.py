"""What the database knows that an examination needs: two reads, the first of which works whatever step the tables are at."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, select

from service import addresses, database
from service.addresses import AddressInvalid
from service.backups import continuity
from service.bounces import inbox_register
from service.delivery import dkim_keys, relay_choice
from service.delivery.models import Relay
from service.doctor.dkim_verdict import PublicKey
from service.doctor.newsletter_verdict import Publication
from service.editions import recurrence
from service.editions.models import Cadence
from service.newsletters import publication
from service.newsletters.models import Newsletter
from service.workers import present

WEEK = timedelta(days=7)
ASKED = {
    True: {"synchronous": "PRAGMA synchronous", "journal_mode": "PRAGMA journal_mode"},
    False: {name: f"SHOW {name}" for name in ("fsync", "full_page_writes", "synchronous_commit")},
}


@dataclass(frozen=True)
class Basics:
    """`durability`: the settings that say whether a commit is on disk. `now`: the database's clock."""

    steps: tuple[str, ...]
    durability: Mapping[str, str]
    now: datetime


@dataclass(frozen=True)
class Facts:
    """`is_known`: the database was read; without it nothing below says anything. `zones`: those in use.
    `shortest_gap`: between two editions of one newsletter. `last_seen`: of any worker.
    """

    is_known: bool = False
    publications: tuple[Publication, ...] = ()
    zones: tuple[str, ...] = ()
    shortest_gap: timedelta = WEEK
    keys: tuple[PublicKey, ...] = ()
    relays: tuple[Relay, ...] = ()  # the main one, then its fallback
    is_any_relay_entered: bool = False
    has_main: bool = False
    workers_alive: int = 0
    last_seen: str = ""
    inbox: str = ""  # the server that bounces are fetched from
    inbox_problem: str = ""
    on_hold: str = ""  # why nothing is sent until a person decides


def basics(session: Session) -> Basics:
    connection = session.connection()
    steps: tuple[str, ...] = ()
    if sa.inspect(connection).has_table("alembic_version"):
        steps = tuple(
            session.scalars(sa.text("SELECT version_num FROM alembic_version ORDER BY version_num"))
        )
    asked = ASKED[not database.is_postgresql(session)]
    durability = {name: str(session.scalar(sa.text(question))) for name, question in asked.items()}
    return Basics(steps, durability, database.now(session))


def of(session: Session, setting: str) -> Facts:
    """`setting`: the name of the relay that this process's own MEMO_RELAY_URL tells; empty without."""
    newsletters = publication.all_of(session)
    main, fallback = relay_choice.in_order(session, setting or None)
    everybody = present.everybody(session, with_held=False)
    inbox, hold = inbox_register.get(session), continuity.hold(session)
    return Facts(
        is_known=True,
        publications=tuple(_publication(one) for one in newsletters),
        zones=tuple(dict.fromkeys(one.time_zone for one in newsletters)),
        shortest_gap=_shortest_gap(session.exec(select(Cadence))),
        keys=tuple(
            PublicKey(key.domain, key.selector, key.public, key.state, key.retired_at)
            for key in dkim_keys.all_of(session)
        ),
        relays=tuple(one for one in (main, fallback) if one is not None),
        is_any_relay_entered=relay_choice.has_any(session),
        has_main=main is not None,
        workers_alive=sum(one.is_alive for one in everybody),
        last_seen=f"{max(one.seen_at for one in everybody):%Y-%m-%d %H:%M}" if everybody else "",
        inbox=inbox.host if inbox is not None else "",
        inbox_problem=(inbox.problem or "") if inbox is not None else "",
        on_hold=hold.reason if hold is not None else "",
    )


def _publication(one: Newsletter) -> Publication:
    try:
        domain = addresses.wire_of(one.from_address).rpartition("@")[2]
    except AddressInvalid:
        domain = ""
    alarm = publication.alarm_address(one)
    return Publication(one.slug, one.from_address, domain, one.postal_address, bool(alarm))


def _shortest_gap(cadences: Iterable[Cadence]) -> timedelta:
    """On the wall clock of a usual week."""
    starts: dict[int, set[timedelta]] = {}
    for one in cadences:
        at = one.local_time
        for day in recurrence.read_weekdays(one.weekdays):
            starts.setdefault(one.newsletter_id, set()).add(
                timedelta(days=recurrence.NAMES.index(day), hours=at.hour, minutes=at.minute)
            )
    gaps = [gap for moments in starts.values() for gap in _gaps(sorted(moments))]
    return min(gaps, default=WEEK)


def _gaps(moments: list[timedelta]) -> list[timedelta]:
    return [
        later - earlier for earlier, later in zip(moments, [*moments[1:], moments[0] + WEEK], strict=True)
    ]
