"""A relay that takes no editions for as long as a person wants; whatever is in flight is answered, and notices still leave.

Pausing an edition stops that one everywhere; pausing a relay stops all that goes through it, and its fallback does not stand in:
that is for a relay that cannot be reached.
"""

from datetime import datetime

from sqlmodel import Session, select

from service.delivery import relay_register
from service.delivery.models import Relay
from service.errors import Conflict
from service.events import log

REASON_CHARACTERS = 300


class RelayNotPaused(Conflict):
    """This relay is not paused."""


def pause(session: Session, name: str, reason: str, *, now: datetime, actor: str) -> Relay:
    """Again with another reason: that one is shown then. Every worker follows within a second."""
    relay = _locked(session, name)
    relay.paused_because = (" ".join(reason.split()) or f"by {actor}")[:REASON_CHARACTERS]
    session.add(relay)
    facts = {"name": relay.name, "reason": relay.paused_because}
    log.record(session, "relay.paused", actor=actor, now=now, subject=("relay", relay.uid), facts=facts)
    return relay


def resume(session: Session, name: str, *, now: datetime, actor: str) -> Relay:
    """Raises RelayNotPaused."""
    relay = _locked(session, name)
    if relay.paused_because is None:
        raise RelayNotPaused
    relay.paused_because = None
    session.add(relay)
    facts = {"name": relay.name}
    log.record(session, "relay.resumed", actor=actor, now=now, subject=("relay", relay.uid), facts=facts)
    return relay


def _locked(session: Session, name: str) -> Relay:
    found = relay_register.get(session, name)
    return session.exec(select(Relay).where(Relay.id == found.id).with_for_update()).one()
