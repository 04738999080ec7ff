"""An edition as a message of its own to somebody who is no reader: a test, or a seed that goes first."""

from datetime import datetime

from service import addresses
from service.newsletters.models import Newsletter
from service.rendering.content import Personal
from service.rendering.personal import MessageFacts, splice
from service.rendering.rendition import Rendition
from service.subscribers import links
from service.tokens import new_uid

TEST = "test"
SEED = "seed"
KINDS = (TEST, SEED)


def message(
    made: Rendition, newsletter: Newsletter, wire: str, *, base_url: str, now: datetime, kind: str
) -> bytes:
    """Its links end nobody's subscription: they lead to pages that say so."""
    domain = addresses.parse(newsletter.from_address).domain
    personal = Personal(
        address=wire,
        greeting_name=None,
        fields={},
        unsubscribe_url=f"{base_url}/unsubscribe/{links.NOBODYS}",
        preferences_url=f"{base_url}/preferences/{links.NOBODYS}",
        number=0,
    )
    return splice(made, MessageFacts(f"<{new_uid().hex}.{kind}@{domain}>", now), personal)
