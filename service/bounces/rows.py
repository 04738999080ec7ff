"""Bounces as rows: entered once, with nobody's address in what a server said."""

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col

from service import database
from service.bounces.findings import Finding, Form
from service.bounces.matching import Match
from service.bounces.models import Action, Bounce
from service.delivery import waves
from service.delivery.return_paths import Named
from service.mailbox import header_text

_ADDRESS = re.compile(r"\S+@\S+")


@dataclass(frozen=True)
class Evidence:
    """How a finding reached us. `event` is the teller's own name for it: the same one again is the same event.

    `named`: by a return path that the report itself was sent to. `is_proved`: it comes from a relay that has shown that it is ours,
    so its word for an address counts.
    """

    source: str
    event: str
    form: Form
    named: Named | None = None
    is_proved: bool = False
    mail_id: int | None = None


def enter(session: Session, bounce: Bounce) -> Bounce | None:
    """None if its event is here already."""
    insert = postgresql.insert if database.is_postgresql(session) else sqlite.insert
    statement = (
        insert(Bounce)
        .values(**bounce.model_dump(exclude={"id"}))
        .on_conflict_do_nothing()
        .returning(col(Bounce.id))
    )
    entered = session.execute(statement).scalar_one_or_none()
    return session.get(Bounce, entered) if entered is not None else None


def made(finding: Finding, evidence: Evidence, match: Match, *, now: datetime) -> Bounce:
    address = match.address or ""
    said = header_text.single_line(" ".join(part for part in (finding.reply, finding.text) if part))
    return Bounce(
        event=_key(evidence, finding),
        source=evidence.source[:40],
        form=evidence.form,
        mail_id=evidence.mail_id,
        at=now,
        said_at=finding.at,
        kind=finding.kind,
        rule=finding.rule[:60],
        rule_source=finding.source[:300],
        status=finding.status[:12],
        reply=_ADDRESS.sub("…", said)[:500],
        feedback=finding.feedback[:24],
        words=waves.words(said, address),
        edition_id=match.edition_id,
        number=match.number,
        notice_id=match.notice_id,
        subscriber_id=match.subscriber_id,
        address=match.address,
        domain=address.rpartition("@")[2].lower(),
        matched=match.how,
        action=Action.NONE,
    )


def of_wave(session: Session, edition_id: int, words: str, actions: tuple[Action, ...]) -> list[Bounce]:
    """The bounces of that edition in those words, oldest first."""
    query = (
        sa.select(Bounce)
        .where(
            col(Bounce.edition_id) == edition_id, col(Bounce.words) == words, col(Bounce.action).in_(actions)
        )
        .order_by(col(Bounce.id))
    )
    return list(session.execute(query).scalars())


def _key(evidence: Evidence, finding: Finding) -> str:
    parts = (evidence.event, finding.kind.value, (finding.recipient or "").lower(), repr(evidence.named))
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()
