"""The addresses at which relays tell us events, one for each relay: made, given another secret, a key, a topic, and taken away.

A secret is shown when it is made and never again, for only its hash is kept: it has 256 random bits, so a plain hash is enough.
"""

import hmac
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from service import tokens, vault
from service.bounces.hooks import formats
from service.bounces.hooks.calls import NotBelieved, Trouble
from service.bounces.hooks.formats import Format, KeyKind
from service.bounces.hooks.models import RelayHook
from service.bounces.hooks.sns import Invitation
from service.delivery import relay_register
from service.delivery.models import Relay
from service.errors import Conflict, Invalid, NotFound
from service.events import log
from service.tokens import Keys

PURPOSE = "relay hook key"
KEY_CHARACTERS = 2_000
FORMER_AT_MOST = timedelta(days=30)
TROUBLES_KEPT_FOR = timedelta(days=30)
_NOBODYS = tokens.hashed("nobody's secret")


class HookNotFound(NotFound):
    """This relay has no address for events yet. Make one on its page, or with: memo relay hook NAME."""


class HookExists(Conflict):
    """This relay has an address for events already. Give it a new secret, or remove it first."""


class FormatUnknown(Invalid):
    """This is no form that we know."""


class KeyMissing(Invalid):
    """Enter the key that the relay shows: without it no signature can be checked."""


class NoInvitation(Conflict):
    """No topic is waiting to be confirmed. Make the subscription at SNS anew, and its name appears here."""


@dataclass(frozen=True)
class Made:
    """What is shown once: the secret of the address, and the key that the sender signs with, where that is made here."""

    relay: str
    secret: str
    key: str = ""

    @property
    def path(self) -> str:
        from_setting = self.relay.replace("/", "%2F")
        return f"/hooks/{from_setting}/{self.secret}"


@dataclass(frozen=True)
class Known:
    """What the door needs of a hook."""

    id: int
    format: Format
    key_box: str | None
    uid: uuid.UUID
    topic: str

    def key(self, keys: Keys) -> str:
        """Raises NotBelieved where there is one that cannot be read any more."""
        if not self.key_box:
            return ""
        try:
            return vault.unlock(keys, self.key_box, purpose=PURPOSE, row=str(self.uid)).decode()
        except (vault.KeyMissing, vault.BoxDamaged) as error:
            raise NotBelieved(Trouble.NO_KEY) from error


def find(session: Session, relay: str, secret: str, *, now: datetime) -> Known | None:
    """The hook of that name, if this is its secret. One query and the same comparisons, whether there is such a relay or not."""
    query = select(RelayHook).join(Relay, col(Relay.id) == RelayHook.relay_id).where(Relay.name == relay)
    hook = session.exec(query).first()
    given = tokens.hashed(secret)
    present, former = _NOBODYS, _NOBODYS
    if hook is not None:
        present = hook.secret_hash
        if hook.former_hash and hook.former_until and hook.former_until > now:
            former = hook.former_hash
    is_right = hmac.compare_digest(given, present) | hmac.compare_digest(given, former)
    if hook is None or not is_right:
        return None
    return Known(hook.id, _format(hook.format), hook.key_box, hook.uid, hook.topic or "")


def of_relay(session: Session, name: str) -> RelayHook | None:
    relay = relay_register.get(session, name)
    return session.exec(select(RelayHook).where(RelayHook.relay_id == relay.id)).first()


def make(session: Session, name: str, form: str, *, keys: Keys, now: datetime, actor: str) -> Made:
    """`form` empty: what a relay of its kind speaks. Raises HookExists, FormatUnknown."""
    relay = relay_register.get(session, name)
    _lock(session, relay)
    if of_relay(session, name) is not None:
        raise HookExists
    chosen = _format(form) if form else formats.usual(relay.profile)
    made = Made(relay.name, tokens.new_secret(), _own_key(chosen))
    hook = RelayHook(
        relay_id=relay.id, format=chosen.key, secret_hash=tokens.hashed(made.secret), made_at=now
    )
    if made.key:
        hook.key_box = vault.lock(keys, made.key.encode(), purpose=PURPOSE, row=str(hook.uid))
    session.add(hook)
    _record(session, "relay.hook_made", relay, now=now, actor=actor, format=chosen.key)
    return made


def renew(session: Session, name: str, *, former_for: timedelta, now: datetime, actor: str) -> Made:
    """Another secret. The one until now works on for so long, at most 30 days; not at all for zero."""
    relay, hook = _own(session, name)
    made = Made(relay.name, tokens.new_secret())
    kept = max(timedelta(), min(former_for, FORMER_AT_MOST))
    hook.former_hash, hook.former_until = (hook.secret_hash, now + kept) if kept else (None, None)
    hook.secret_hash = tokens.hashed(made.secret)
    session.add(hook)
    _record(session, "relay.hook_renewed", relay, now=now, actor=actor, former_for=int(kept.total_seconds()))
    return made


def enter_key(session: Session, name: str, key: str, *, keys: Keys, now: datetime, actor: str) -> None:
    """The relay's own key; raises Invalid for what is none. What was not believed before is forgotten."""
    relay, hook = _own(session, name)
    form = _format(hook.format)
    if form.key_kind is not KeyKind.THEIRS:
        raise Invalid("This form has no key that could be entered.", field="key")
    text = key.strip()
    if not text or len(text) > KEY_CHARACTERS:
        raise KeyMissing(field="key")
    form.check_key(text)
    hook.key_box = vault.lock(keys, text.encode(), purpose=PURPOSE, row=str(hook.uid))
    hook.troubles = {}
    session.add(hook)
    _record(session, "relay.hook_key_entered", relay, now=now, actor=actor)


def remove(session: Session, name: str, *, now: datetime, actor: str) -> None:
    """With the events that were told at it."""
    relay, hook = _own(session, name)
    session.delete(hook)
    _record(session, "relay.hook_removed", relay, now=now, actor=actor)


def invite(session: Session, hook_id: int, invitation: Invitation, *, now: datetime) -> None:
    """Keep it for a person to confirm; a later one takes its place."""
    hook = _by_id(session, hook_id)
    hook.invited_topic, hook.invited_url, hook.invited_at = invitation.topic, invitation.url, now
    session.add(hook)


def invitation_of(session: Session, name: str) -> Invitation:
    hook = of_relay(session, name)
    if hook is None or not hook.invited_topic or not hook.invited_url:
        raise NoInvitation
    return Invitation(hook.invited_topic, hook.invited_url)


def confirm(session: Session, name: str, topic: str, *, now: datetime, actor: str) -> None:
    """From now on only this topic is believed."""
    relay, hook = _own(session, name)
    hook.topic = topic
    hook.invited_topic = hook.invited_url = hook.invited_at = None
    hook.troubles = {}
    session.add(hook)
    _record(session, "relay.hook_topic_confirmed", relay, now=now, actor=actor, topic=topic)


def forget_topic(session: Session, name: str, *, now: datetime, actor: str) -> None:
    """Believe no topic, until another is confirmed."""
    relay, hook = _own(session, name)
    _record(session, "relay.hook_topic_forgotten", relay, now=now, actor=actor, topic=hook.topic)
    hook.topic = hook.invited_topic = hook.invited_url = hook.invited_at = None
    session.add(hook)


def note(session: Session, hook_id: int, trouble: Trouble, *, now: datetime, count: int = 1) -> None:
    """Count what was not believed or not understood, for the desk."""
    hook = _by_id(session, hook_id)
    before: dict[str, Any] = hook.troubles.get(trouble.name, {"count": 0, "since": now.isoformat()})
    noted = {"count": before["count"] + count, "since": before["since"], "last": now.isoformat()}
    hook.troubles = {**hook.troubles, trouble.name: noted}
    session.add(hook)


def forget_troubles(session: Session, *, now: datetime) -> None:
    """What has not happened for 30 days is over."""
    for hook in session.exec(select(RelayHook).order_by(col(RelayHook.id)).with_for_update()):
        recent = {
            word: one
            for word, one in hook.troubles.items()
            if datetime.fromisoformat(one["last"]) > now - TROUBLES_KEPT_FOR
        }
        if recent != hook.troubles:
            hook.troubles = recent
            session.add(hook)


def lock_anew(session: Session, keys: Keys) -> int:
    """Lock with the first of MEMO_SECRET_KEY what an older one locks; how many that were. What cannot be unlocked stays as it is."""
    count = 0
    for hook in session.exec(select(RelayHook).order_by(col(RelayHook.id)).with_for_update()):
        if hook.key_box is None or vault.is_current(keys, hook.key_box):
            continue
        try:
            secret = vault.unlock(keys, hook.key_box, purpose=PURPOSE, row=str(hook.uid))
        except (vault.KeyMissing, vault.BoxDamaged):
            continue
        hook.key_box = vault.lock(keys, secret, purpose=PURPOSE, row=str(hook.uid))
        session.add(hook)
        count += 1
    return count


def _format(key: str) -> Format:
    found = formats.BY_KEY.get(key)
    if found is None:
        raise FormatUnknown(f"Choose one of these forms: {', '.join(formats.BY_KEY)}.", field="format")
    return found


def _own_key(chosen: Format) -> str:
    return tokens.new_secret("memo_") if chosen.key_kind is KeyKind.OURS else ""


def _own(session: Session, name: str) -> tuple[Relay, RelayHook]:
    """Locked, to be changed."""
    relay = relay_register.get(session, name)
    found = session.exec(select(RelayHook).where(RelayHook.relay_id == relay.id).with_for_update()).first()
    if found is None:
        raise HookNotFound
    return relay, found


def _by_id(session: Session, hook_id: int) -> RelayHook:
    hook = session.exec(select(RelayHook).where(RelayHook.id == hook_id).with_for_update()).first()
    if hook is None:
        raise HookNotFound
    return hook


def _lock(session: Session, relay: Relay) -> None:
    session.execute(sa.select(col(Relay.id)).where(col(Relay.id) == relay.id).with_for_update())


def _record(session: Session, name: str, relay: Relay, *, now: datetime, actor: str, **facts: object) -> None:
    log.record(
        session, name, actor=actor, now=now, subject=("relay", relay.uid), facts={"name": relay.name, **facts}
    )
