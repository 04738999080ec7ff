"""Who asked for a slower pace, in words: the relay itself, or a provider behind it."""

from datetime import datetime

from sqlmodel import Session

from service import pages
from service.delivery import slowings


def lines(session: Session, relay: str, zone: str, now: datetime) -> tuple[str, ...]:
    said: list[str] = []
    for row in slowings.rows_of(session, relay, now):
        who, allowed = row.provider or "It", slowings.allowed(row, now)
        if allowed == 0:
            until = pages.local(row.begins_at, zone, "%H:%M")
            what = f"{who} gets nothing until {until}, then one message a second and slowly more"
        else:
            what = f"{who} gets {allowed or 0:,.0f} messages a second now, and more as time passes"
        said.append(f"{what}: {row.reason.rstrip('.')}.")
    return tuple(said)
