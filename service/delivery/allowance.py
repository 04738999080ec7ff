"""What readers of one provider get now: pure. A person's own limit, what the provider asked for by itself, or both: the lesser counts."""

from dataclasses import dataclass
from datetime import datetime

from service.delivery.recovery import Slowing

HAS_ASKED = "Waits: {provider} has asked for less at a time; it goes by itself."
IS_LIMITED = "Waits: {provider} gets at most {limit:,} messages a second from us{why}; it goes by itself."
BEGINS = "Waits: {provider} "  # both of them, and no other reply


@dataclass(frozen=True)
class Allowance:
    """`limit`: messages a second, set by a person, who may have said `why`."""

    limit: int | None = None
    why: str = ""
    slowing: Slowing | None = None

    def allowed(self, now: datetime) -> float | None:
        """Messages a second; 0: it rests; None: as many as there are."""
        slowed = self.slowing.allowed(now) if self.slowing is not None else None
        if slowed is None or self.limit is None:
            return self.limit if slowed is None else slowed
        return min(slowed, float(self.limit))

    def begins(self, now: datetime) -> datetime:
        """When the next one may leave."""
        return max(now, self.slowing.begins) if self.slowing is not None else now

    def said(self, provider: str, now: datetime) -> str:
        """To whoever asks why a reader waits."""
        slowed = self.slowing.allowed(now) if self.slowing is not None else None
        if self.limit is None or (slowed is not None and slowed < self.limit):
            return HAS_ASKED.format(provider=provider)
        why = f" ({self.why})" if self.why else ""
        return IS_LIMITED.format(provider=provider, limit=self.limit, why=why)
