"""How many messages a second one provider's readers get through a relay, as a person wants it. Every worker follows within a second.

Apart from what a provider asks for by itself (`slowings`): of the two the lesser counts (`allowance`).
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlmodel import Session, col, select

from service import addresses, database
from service.delivery import allowance, provider_groups, relay_register
from service.delivery.models import ProviderLimit, Relay
from service.delivery.relay_details import RATE_MOST
from service.errors import Invalid, NotFound
from service.events import log
from service.ledger.models import OPEN, Delivery, DeliveryState, Run, Span
from service.prepared import Prepared

WHY_CHARACTERS = 120


class ProviderInvalid(Invalid):
    """Name a provider by one of its domains, for example gmail.com."""


class LimitInvalid(Invalid):
    """A provider's limit is a whole number of messages a second, from 1 to 100,000."""


class LimitNotFound(NotFound):
    """This relay has no limit for this provider."""


class WantedLimit(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    rate: int = Field(ge=1, le=RATE_MOST)
    why: str = Field(default="", max_length=WHY_CHARACTERS)


def read(values: Mapping[str, Any]) -> WantedLimit:
    """From a form or a command; raises LimitInvalid with the field."""
    try:
        return WantedLimit.model_validate(dict(values))
    except ValidationError as error:
        if error.errors()[0]["loc"][0] == "why":
            raise LimitInvalid(f"The reason has at most {WHY_CHARACTERS} characters.", field="why") from error
        raise LimitInvalid(field="rate") from error


def named(text: str) -> str:
    """The provider that somebody means by its name, one of its domains or an address there. Raises ProviderInvalid."""
    wanted = text.strip()
    by_name = {group.casefold(): group for group in provider_groups.GROUPS}
    if wanted.casefold() in by_name:
        return by_name[wanted.casefold()]
    try:
        return provider_groups.of(addresses.wire_of(f"reader@{wanted.rpartition('@')[2]}"))
    except addresses.AddressInvalid as error:
        raise ProviderInvalid(field="provider") from error


def put(
    session: Session, relay: str, provider: str, wanted: WantedLimit, *, now: datetime, actor: str
) -> ProviderLimit:
    """Whatever there was before, this holds from now on, also for readers who wait already."""
    found = _locked(session, relay)
    row = session.get(ProviderLimit, (found.name, provider)) or ProviderLimit(
        relay=found.name, provider=provider, set_at=now
    )
    row.rate, row.why, row.set_by, row.set_at = wanted.rate, wanted.why, actor, now
    session.add(row)
    facts = {"name": found.name, "provider": provider, **wanted.model_dump()}
    log.record(
        session, "relay.provider_limited", actor=actor, now=now, subject=("relay", found.uid), facts=facts
    )
    _wake(session, provider)
    return row


def lift(session: Session, relay: str, provider: str, *, now: datetime, actor: str) -> None:
    """Raises LimitNotFound."""
    found = _locked(session, relay)
    row = session.get(ProviderLimit, (found.name, provider))
    if row is None:
        raise LimitNotFound
    session.delete(row)
    facts = {"name": found.name, "provider": provider}
    log.record(
        session, "relay.provider_unlimited", actor=actor, now=now, subject=("relay", found.uid), facts=facts
    )
    _wake(session, provider)


def rows_of(session: Session, relay: str) -> list[ProviderLimit]:
    found = select(ProviderLimit).where(ProviderLimit.relay == relay)
    return list(session.exec(found.order_by(col(ProviderLimit.provider))))


def of(session: Session, relay: str) -> dict[str, tuple[int, str]]:
    """By provider: messages a second, and why."""
    rows = _LIMITS.run(session.connection(), {"the_relay": relay}).fetchall()
    return {provider: (rate, why) for provider, rate, why in rows}


def said(row: ProviderLimit) -> str:
    """For a line of a page or a list."""
    why = f": {row.why}" if row.why else ""
    return (
        f"{row.provider} gets at most {row.rate:,} {'message' if row.rate == 1 else 'messages'} a second{why}"
    )


def domains(provider: str) -> tuple[str, ...]:
    """Those it answers for, as far as we know."""
    return provider_groups.GROUPS.get(provider, (provider,))


def _locked(session: Session, name: str) -> Relay:
    found = relay_register.get(session, name)
    return session.exec(select(Relay).where(Relay.id == found.id).with_for_update()).one()


def _wake(session: Session, provider: str) -> None:
    """Who was put off under the limit before is due at once: whoever is still too many is put off anew, by the new one."""
    running = select(Run.edition_id).where(col(Run.ended_at).is_(None))
    for edition_id in session.exec(running.order_by(col(Run.edition_id))).all():
        # The spans first, as whoever records an outcome does.
        spans = sa.select(col(Span.id)).where(col(Span.edition_id) == edition_id).order_by(col(Span.id))
        session.execute(spans.with_for_update())
        put_off = (
            col(Delivery.edition_id) == edition_id,
            col(Delivery.state) == DeliveryState.DEFERRED,
            col(Delivery.reply).startswith(allowance.BEGINS.format(provider=provider), autoescape=True),
        )
        due = sa.update(Delivery).where(*put_off).values(due_at=database.utc_now())
        if _count(session, due):
            _count(session, _due_at_once(edition_id))


def _due_at_once(edition_id: int) -> sa.Update:
    waiting = sa.select(sa.literal(1)).where(
        col(Delivery.edition_id) == col(Span.edition_id),
        col(Delivery.number) >= col(Span.first),
        col(Delivery.number) < col(Span.last),
        col(Delivery.state).in_(OPEN),
        col(Delivery.due_at) <= database.utc_now(),
    )
    return (
        sa.update(Span)
        .where(col(Span.edition_id) == edition_id, col(Span.due_at).is_not(None), waiting.exists())
        .values(due_at=database.utc_now())
    )


def _count(session: Session, statement: sa.Update) -> int:
    result: Any = session.execute(statement, execution_options={"synchronize_session": False})
    return int(result.rowcount)


_LIMITS = Prepared(
    sa.select(col(ProviderLimit.provider), col(ProviderLimit.rate), col(ProviderLimit.why)).where(
        col(ProviderLimit.relay) == sa.bindparam("the_relay")
    )
)
