"""What is let go, and when: asked by the hour, so that a service that is down at night misses nothing."""

from datetime import timedelta
from typing import Protocol

from service.retention import pictures, removal, summarising
from service.settings import Settings
from service.subscribers import unconfirmed
from service.subscribers.optin import CONFIRM_WITHIN


class Holder(summarising.Holder, pictures.Holder, Protocol):
    @property
    def settings(self) -> Settings: ...


async def apply(held: Holder) -> None:
    """Old editions summarised, their rows removed, people forgotten who never confirmed, pictures let go that nobody shows."""
    chosen, now = held.settings, held.clock.now()
    await summarising.summarise_old(held, timedelta(days=chosen.keep_details_days))
    await removal.remove(held.database, chosen.database, now=now)
    lapsed = now - CONFIRM_WITHIN - timedelta(days=chosen.keep_pending_days)
    while await held.database.write(unconfirmed.forget, before=lapsed) == unconfirmed.AT_ONCE:
        pass
    await pictures.let_go(held, timedelta(days=chosen.keep_pictures_days))
