from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from service.api.shapes.moments import Instant
from service.delivery import provider_limits, slowings
from service.delivery.models import ProviderLimit, SlowedDown
from service.delivery.provider_limits import WHY_CHARACTERS
from service.delivery.relay_pace import RATE_MOST

PROVIDER_EXAMPLE: dict[str, Any] = {
    "provider": "Google",
    "domains": ["gmail.com", "googlemail.com"],
    "rate": 20,
    "why": "our new address is warming up",
    "set_by": "Ada Berger",
    "set_at": "2026-03-02T06:00:00Z",
    "slowed_to": None,
    "said": None,
}


class NewLimit(BaseModel):
    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"rate": 20, "why": "our new address is warming up"}]}
    )

    rate: int = Field(ge=1, le=RATE_MOST, description="Messages a second, from all workers together.")
    why: str = Field(default="", max_length=WHY_CHARACTERS, description="Shown wherever readers wait for it.")


class Provider(BaseModel):
    """What its readers get through a relay: `rate` is a person's limit, `slowed_to` what it asked for itself. The lesser counts."""

    provider: str
    domains: list[str] = Field(description="Those it is known to answer for.")
    rate: int | None = Field(description="Messages a second; null: no limit of ours.")
    why: str
    set_by: str | None
    set_at: Instant | None
    slowed_to: float | None = Field(
        description="Messages a second now, because it asked for less; 0: it rests; null: it did not ask."
    )
    said: str | None = Field(description="What it said then.")


class Providers(BaseModel):
    items: list[Provider]


def provider(name: str, limit: ProviderLimit | None, slowed: SlowedDown | None, now: datetime) -> Provider:
    return Provider(
        provider=name,
        domains=list(provider_limits.domains(name)),
        rate=limit.rate if limit else None,
        why=limit.why if limit else "",
        set_by=limit.set_by if limit else None,
        set_at=limit.set_at if limit else None,
        slowed_to=slowings.allowed(slowed, now) if slowed else None,
        said=slowed.reason if slowed else None,
    )


def providers(limits: Sequence[ProviderLimit], slowed: Sequence[SlowedDown], now: datetime) -> Providers:
    ours = {row.provider: row for row in limits}
    theirs = {row.provider: row for row in slowed if row.provider != slowings.WHOLE}
    names = sorted(ours.keys() | theirs.keys())
    return Providers(items=[provider(name, ours.get(name), theirs.get(name), now) for name in names])
