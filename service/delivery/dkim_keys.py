"""DKIM keys: rows, their private halves locked in the vault. Any number for a domain, of which at most one is active and signs.

add -> ready: its DNS record can be published -> activate: it signs, and the one before is retired
    -> retired: still signs again what was begun with it, for a message that goes out twice is the same message -> remove
"""

import itertools
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlmodel import Session, col, select

from service import addresses, vault
from service.delivery.models import DkimKey, DkimKeyState
from service.errors import Conflict, NotFound
from service.events import log
from service.ledger.models import Run
from service.newsletters.models import Newsletter
from service.tokens import Keys

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    from service.delivery.dkim import SigningKey

PURPOSE = "dkim"
KEPT_AFTER_RETIRING = timedelta(days=7)  # deferred messages need it, and who reads late needs the record


class DkimKeyNotFound(NotFound):
    """There is no such DKIM key; `memo dkim list` shows those there are."""


class SelectorTaken(Conflict):
    """This domain has a key with that selector already. A new key needs a selector of its own: records stay in caches and mailboxes."""


class StillNeeded(Conflict):
    """This key is in use."""


@dataclass(frozen=True)
class Activated:
    """`replaced`: the selector of the key that signed until now, if there was one."""

    key: DkimKey
    replaced: str | None


def add(
    session: Session,
    keys: Keys,
    place: tuple[str, str],
    private: "RSAPrivateKey",
    *,
    actor: str,
    now: datetime,
) -> DkimKey:
    """A key that does not sign yet, for that domain and selector. Raises DomainUnusable, SelectorUnusable, SelectorTaken."""
    from service.delivery import dkim_material

    domain, selector = dkim_material.checked_domain(place[0]), dkim_material.checked_selector(place[1])
    if any(key.selector == selector for key in _of_domain(session, domain)):
        raise SelectorTaken
    key = DkimKey(
        domain=domain,
        selector=selector,
        bits=private.key_size,
        public=dkim_material.public_text(private),
        box=_locked(keys, domain, selector, dkim_material.to_bytes(private)),
        created_at=now,
    )
    session.add(key)
    _record(session, "dkim_key.added", key, actor=actor, now=now)
    return key


def all_of(session: Session) -> list[DkimKey]:
    """By domain, the one that signs first, then the newest."""
    found = session.exec(select(DkimKey).order_by(col(DkimKey.domain), col(DkimKey.id).desc()))
    return sorted(found, key=lambda key: (key.domain, key.state is not DkimKeyState.ACTIVE))


def activate(session: Session, place: tuple[str, str], *, actor: str, now: datetime) -> Activated:
    """It signs what is begun from now on; felt by every worker within a second or two. One that was retired can come back."""
    key = _get(session, place)
    if key.state is DkimKeyState.ACTIVE:
        return Activated(key, None)
    replaced = None
    for other in _of_domain(session, key.domain):
        if other.state is DkimKeyState.ACTIVE:
            replaced = other.selector
            _retire(session, other, actor=actor, now=now)
    session.flush()  # no moment with two active ones: the index allows none
    key.state, key.activated_at, key.retired_at = DkimKeyState.ACTIVE, now, None
    session.add(key)
    _record(session, "dkim_key.activated", key, actor=actor, now=now)
    return Activated(key, replaced)


def retire(session: Session, place: tuple[str, str], *, actor: str, now: datetime) -> DkimKey:
    """It begins no message any more. If it was the active one, the domain's messages leave unsigned from now on."""
    key = _get(session, place)
    if key.state is not DkimKeyState.RETIRED:
        _retire(session, key, actor=actor, now=now)
    return key


def remove(session: Session, place: tuple[str, str], *, actor: str, now: datetime) -> DkimKey:
    """Forget it, private half and all. Raises StillNeeded for one that signs, or did a few days ago."""
    key = _get(session, place)
    if key.state is DkimKeyState.ACTIVE:
        raise StillNeeded("This key signs: activate another one, or retire it first.")
    if not is_removable(key, now) and key.retired_at:
        raise StillNeeded(
            "Messages signed with this key may still be on their way:"
            f" it can be removed from {key.retired_at + KEPT_AFTER_RETIRING:%Y-%m-%d %H:%M} UTC on."
        )
    session.delete(key)
    _record(session, "dkim_key.removed", key, actor=actor, now=now)
    return key


def is_removable(key: DkimKey, now: datetime) -> bool:
    """Whether nobody can need it any more: it has never signed, or it was retired long enough ago."""
    if key.state is DkimKeyState.ACTIVE:
        return False
    return not (key.activated_at and key.retired_at) or now >= key.retired_at + KEPT_AFTER_RETIRING


def free_selector(session: Session, domain: str, now: datetime) -> str:
    """One made from the date, which this domain has not used. Raises DomainUnusable."""
    from service.delivery import dkim_material

    taken = {key.selector for key in _of_domain(session, dkim_material.checked_domain(domain))}
    first = f"memo-{now:%Y%m%d}"
    return next(
        name for number in itertools.count(1) if (name := first + f"-{number}" * (number > 1)) not in taken
    )


def active(session: Session) -> dict[str, str]:
    """The selector that signs now, for each domain that has one."""
    return {domain: selector for domain, selector, _ in signing_now(session)}


def signing_now(session: Session) -> list[tuple[str, str, uuid.UUID]]:
    """Domain, selector and uid of the active keys."""
    query = select(DkimKey.domain, DkimKey.selector, DkimKey.uid).where(DkimKey.state == DkimKeyState.ACTIVE)
    return [(domain, selector, uid) for domain, selector, uid in session.exec(query)]


def pins_of(session: Session, edition_id: int, selectors: Mapping[str, str]) -> dict[str, list[str]]:
    """What a span of that edition pins, if one of these selectors (by domain) is for its newsletter. Its time is that of the Date."""
    if not selectors:
        return {}
    sender: str = session.connection().execute(_SENDER, {"the_edition": edition_id}).scalar_one()
    domain = addresses.wire_of(sender).rpartition("@")[2]
    return {"dkim": [domain, selectors[domain]]} if domain in selectors else {}


def find(session: Session, domain: str, selector: str) -> DkimKey | None:
    """In whatever state: a message that was begun with it needs it."""
    return session.exec(select(DkimKey).where(DkimKey.domain == domain, DkimKey.selector == selector)).first()


def unlocked(keys: Keys, key: DkimKey) -> "SigningKey":
    """Ready to sign. Raises vault.KeyMissing, vault.BoxDamaged."""
    from service.delivery import dkim_material
    from service.delivery.dkim import SigningKey

    row = _row(key.domain, key.selector)
    private = dkim_material.from_bytes(vault.unlock(keys, key.box, purpose=PURPOSE, row=row))
    return SigningKey(key.domain, key.selector, private)


def lock_anew(session: Session, keys: Keys) -> int:
    """Lock with the first of MEMO_SECRET_KEY what an older one locks, so that the older one can go; how many that were.

    What cannot be unlocked stays as it is.
    """
    count = 0
    for key in session.exec(select(DkimKey).order_by(col(DkimKey.id)).with_for_update()):
        if vault.is_current(keys, key.box):
            continue
        try:
            secret = vault.unlock(keys, key.box, purpose=PURPOSE, row=_row(key.domain, key.selector))
        except (vault.KeyMissing, vault.BoxDamaged):
            continue
        key.box = _locked(keys, key.domain, key.selector, secret)
        session.add(key)
        count += 1
    return count


def _get(session: Session, place: tuple[str, str]) -> DkimKey:
    from service.delivery import dkim_material

    domain, selector = dkim_material.checked_domain(place[0]), dkim_material.checked_selector(place[1])
    found = next((key for key in _of_domain(session, domain) if key.selector == selector), None)
    if found is None:
        raise DkimKeyNotFound
    return found


def _of_domain(session: Session, domain: str) -> Iterable[DkimKey]:
    """Locked, so that of two who activate at once the second sees what the first did."""
    query = select(DkimKey).where(DkimKey.domain == domain).order_by(col(DkimKey.id))
    return session.exec(query.with_for_update()).all()


def _retire(session: Session, key: DkimKey, *, actor: str, now: datetime) -> None:
    key.state, key.retired_at = DkimKeyState.RETIRED, now
    session.add(key)
    _record(session, "dkim_key.retired", key, actor=actor, now=now)


def _locked(keys: Keys, domain: str, selector: str, secret: bytes) -> str:
    return vault.lock(keys, secret, purpose=PURPOSE, row=_row(domain, selector))


def _row(domain: str, selector: str) -> str:
    return f"{domain}/{selector}"


def _record(session: Session, name: str, key: DkimKey, *, actor: str, now: datetime) -> None:
    facts = {"domain": key.domain, "selector": key.selector}
    log.record(session, name, actor=actor, now=now, subject=("dkim_key", key.uid), facts=facts)


_SENDER = (
    sa.select(col(Newsletter.from_address))
    .join(Run, col(Run.newsletter_id) == col(Newsletter.id))
    .where(col(Run.edition_id) == sa.bindparam("the_edition"))
)
