"""Tells the newsroom by a notice that something needs a person, if the newsletter names an address for that."""

from datetime import datetime

from sqlmodel import Session

from service.ledger import notices
from service.newsletters import publication
from service.newsletters.models import Newsletter

ALARM = "alarm"


def ring(
    session: Session, newsletter: Newsletter, *, subject: str, text: str, path: str, now: datetime
) -> None:
    """`path` is the page at the desk where it can be settled; the address before it is known only where a message is made."""
    address = publication.alarm_address(newsletter)
    if address is not None:
        payload = {"subject": subject, "text": text, "path": path}
        notices.queue(session, ALARM, address=address, payload=payload, now=now, subject_id=newsletter.id)
