"""How much a relay may be given: its rate and quotas as its provider told them, and slower than that for as long as a person wants.

Unlike the rest of a relay's row these may be changed for the one that MEMO_RELAY_URL tells, too: the setting says nothing of them.
Every worker follows within a second.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlmodel import Session, select

from service.delivery import relay_register
from service.delivery.models import Relay
from service.delivery.relay_details import RATE_MOST as RATE_MOST
from service.delivery.relay_details import RelayInvalid
from service.events import log

QUOTA_MOST = 1_000_000_000
WORDS = {
    "rate": "messages a second",
    "per_hour": "messages an hour",
    "per_day": "messages in 24 hours",
    "slowed_to": "messages a second for now",
}


class RelayPace(BaseModel):
    """None: no limit of ours."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rate: int | None = Field(default=None, ge=1, le=RATE_MOST)
    per_hour: int | None = Field(default=None, ge=1, le=QUOTA_MOST)
    per_day: int | None = Field(default=None, ge=1, le=QUOTA_MOST)
    slowed_to: int | None = Field(default=None, ge=1, le=RATE_MOST)


def read(values: Mapping[str, Any]) -> RelayPace:
    """From a form or a command; raises RelayInvalid with the field and what to write there."""
    try:
        return RelayPace.model_validate({key: value for key, value in values.items() if value != ""})
    except ValidationError as error:
        field = str(error.errors()[0]["loc"][0])
        most = QUOTA_MOST if field.startswith("per") else RATE_MOST
        what = WORDS.get(field, field)
        raise RelayInvalid(
            f"{what} is a whole number from 1 to {most:,}, or empty for no limit", field=field
        ) from error


def of(relay: Relay) -> RelayPace:
    return RelayPace.model_validate({name: getattr(relay, name) for name in RelayPace.model_fields})


def said(relay: Relay) -> str:
    """Its limits in words; empty without one."""
    wanted = of(relay).model_dump(exclude_none=True)
    return ", ".join(f"{count:,} {WORDS[name]}" for name, count in wanted.items())


def change(session: Session, name: str, wanted: RelayPace, *, now: datetime, actor: str) -> Relay:
    """All four at once. What waited for a quota is reckoned anew."""
    found = relay_register.get(session, name)
    relay = session.exec(select(Relay).where(Relay.id == found.id).with_for_update()).one()
    for key, value in wanted.model_dump().items():
        setattr(relay, key, value)
    relay.rest_until = relay.rest_reason = None
    session.add(relay)
    facts = {"name": relay.name, **wanted.model_dump(exclude_none=True)}
    log.record(session, "relay.paced", actor=actor, now=now, subject=("relay", relay.uid), facts=facts)
    return relay
