"""The mailbox that we fetch from: where it is and how we sign in, its secret locked in the vault, and where we are in it."""

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

import sqlalchemy as sa
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from sqlmodel import Session, col, select

from service import tokens, vault, wording
from service.bounces import keeping
from service.bounces.keeping import Brought
from service.bounces.models import Inbox
from service.errors import Invalid
from service.events import log as events
from service.tokens import Keys

PURPOSE = "inbox"
EVERY = timedelta(seconds=60)
SECRET_MOST = 8_000  # a token may be long
PORTS = {"implicit": 993, "required": 143}
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,251}[A-Za-z0-9])?\Z|[0-9A-Fa-f:.]{2,45}\Z")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_SAME_SECRET = ("host", "port", "tls", "user")


class InboxInvalid(Invalid):
    """These details of the mailbox cannot be used."""


def _host(value: str) -> str:
    host = value.strip().strip("[]").rstrip(".")
    if not _HOST.match(host):
        raise ValueError(
            "takes a host name or an address, without imap:// before it and without a port behind it"
        )
    return host.lower()


def _plain(value: str) -> str:
    if _CONTROL.search(value) or not value.strip():
        raise ValueError("is needed, without line breaks or control characters")
    return value.strip()


class InboxDetails(BaseModel):
    """A password or token is never sent without TLS, so there is no other choice than these two."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: Annotated[str, AfterValidator(_host)]
    port: int | None = Field(default=None, ge=1, le=65535)
    tls: Literal["implicit", "required"] = "implicit"
    user: Annotated[str, Field(max_length=250), AfterValidator(_plain)]
    folder: Annotated[str, Field(max_length=200), AfterValidator(_plain)] = "INBOX"
    has_token: bool = False
    deletes: bool = False

    @property
    def shown_port(self) -> int:
        return self.port or PORTS[self.tls]


@dataclass(frozen=True)
class Claim:
    """A turn to look into it: nobody else does so for the next minute."""

    inbox: Inbox
    secret: str


def read(values: Mapping[str, Any]) -> InboxDetails:
    """From a form or a command; raises InboxInvalid with the field and what to write there."""
    try:
        return InboxDetails.model_validate({key: value for key, value in values.items() if value != ""})
    except ValidationError as error:
        first = error.errors()[0]
        field = str(first["loc"][0]) if first["loc"] else None
        said = "is needed" if first["type"] == "missing" else wording.phrase(first)
        raise InboxInvalid(f"{field} {said}" if field else said, field=field) from error


def get(session: Session) -> Inbox | None:
    return session.exec(select(Inbox).order_by(col(Inbox.id)).limit(1)).first()


def use(
    session: Session, details: InboxDetails, *, secret: str, keys: Keys, actor: str, now: datetime
) -> Inbox:
    """Enter it, or change it. Another server or user needs its secret entered anew, so that nobody can have it sent to theirs."""
    inbox = get(session) or Inbox(uid=tokens.new_uid(), host="", port=0, tls="", user="", secret_box="")
    wanted = (details.host, details.shown_port, details.tls, details.user)
    is_another = wanted != tuple(getattr(inbox, name) for name in _SAME_SECRET)
    if not secret and (is_another or details.has_token != inbox.has_token):
        raise InboxInvalid(
            "Enter the password or token again: the server, the user or its kind is another.", field="secret"
        )
    if len(secret) > SECRET_MOST or _CONTROL.search(secret):
        raise InboxInvalid(
            f"A secret has at most {SECRET_MOST} characters and no line break.", field="secret"
        )
    if is_another or details.folder != inbox.folder:
        inbox.validity = inbox.last_uid = 0
    inbox.host, inbox.port, inbox.tls, inbox.user = wanted
    inbox.folder, inbox.has_token, inbox.deletes = details.folder, details.has_token, details.deletes
    inbox.problem = inbox.problem_since = inbox.asked_at = None
    if secret:
        inbox.secret_box = vault.lock(keys, secret.encode(), purpose=PURPOSE, row=str(inbox.uid))
    session.add(inbox)
    events.record(
        session, "inbox.used", actor=actor, now=now, subject=("inbox", inbox.uid), facts={"host": inbox.host}
    )
    return inbox


def forget(session: Session, *, actor: str, now: datetime) -> None:
    """Fetch no more; what was fetched stays."""
    inbox = get(session)
    if inbox is not None:
        session.delete(inbox)
        events.record(
            session,
            "inbox.forgotten",
            actor=actor,
            now=now,
            subject=("inbox", inbox.uid),
            facts={"host": inbox.host},
        )


def claim(session: Session, keys: Keys, *, now: datetime) -> Claim | None:
    """A turn, if it is time for one. Raises KeyMissing or BoxDamaged."""
    taken = (
        sa.update(Inbox)
        .where(sa.or_(col(Inbox.asked_at).is_(None), col(Inbox.asked_at) <= now - EVERY))
        .values(asked_at=now)
        .returning(col(Inbox.id))
    )
    found = session.execute(taken).scalar_one_or_none()
    inbox = session.get(Inbox, found, populate_existing=True) if found is not None else None
    if inbox is None:
        return None
    return Claim(inbox, vault.unlock(keys, inbox.secret_box, purpose=PURPOSE, row=str(inbox.uid)).decode())


def is_due(session: Session, *, now: datetime) -> bool:
    inbox = get(session)
    return inbox is not None and (inbox.asked_at is None or inbox.asked_at <= now - EVERY)


def keep(
    session: Session, uid: uuid.UUID, mails: list[Brought], *, validity: int, last_uid: int, now: datetime
) -> int:
    """The mails and where we are, in one transaction. How many of them were new."""
    inbox = session.exec(select(Inbox).where(Inbox.uid == uid).with_for_update()).first()
    if inbox is not None:
        is_anew = inbox.validity != validity
        inbox.last_uid = last_uid if is_anew else max(inbox.last_uid, last_uid)
        inbox.validity = validity
        inbox.problem = inbox.problem_since = None
        session.add(inbox)
    return keeping.keep_all(session, mails, now=now)


def note_problem(session: Session, problem: str, *, now: datetime) -> None:
    inbox = get(session)
    if inbox is not None:
        inbox.problem, inbox.problem_since = problem[:500], inbox.problem_since or now
        session.add(inbox)


def lock_anew(session: Session, keys: Keys) -> None:
    """Under the newest key, so that an old one can go."""
    inbox = get(session)
    if inbox is not None and not vault.is_current(keys, inbox.secret_box):
        secret = vault.unlock(keys, inbox.secret_box, purpose=PURPOSE, row=str(inbox.uid))
        inbox.secret_box = vault.lock(keys, secret, purpose=PURPOSE, row=str(inbox.uid))
        session.add(inbox)
