"""What the desk says of signing: each domain that mail comes from, the keys it has, and the DNS records to publish."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from service import addresses, pages, vault
from service.delivery import dkim_keys
from service.delivery.models import DkimKey, DkimKeyState
from service.desk import relay_view
from service.newsletters import publication
from service.tokens import Keys


@dataclass(frozen=True)
class Shown:
    """A key. `record_name` and `record` are published as a TXT record; `zone_line` is the same for a zone file."""

    key: DkimKey
    said: str
    record_name: str
    record: str
    zone_line: str
    is_removable: bool
    is_locked_with_first: bool

    @property
    def signs(self) -> bool:
        return self.key.state is DkimKeyState.ACTIVE

    @property
    def is_retired(self) -> bool:
        return self.key.state is DkimKeyState.RETIRED

    @property
    def place(self) -> str:
        """Its part of a path; both names are letters, digits, hyphens and dots."""
        return f"{self.key.domain}/{self.key.selector}"


@dataclass(frozen=True)
class Domain:
    """`newsletters` are the names of those that are sent from it: none for a key that nobody needs."""

    name: str
    newsletters: tuple[str, ...]
    keys: tuple[Shown, ...]

    @property
    def active(self) -> Shown | None:
        return next((one for one in self.keys if one.signs), None)


@dataclass(frozen=True)
class Signing:
    """`signer` is the relay in use if it signs by itself, so that keys of ours are not used."""

    domains: tuple[Domain, ...]
    signer: str | None

    @property
    def names(self) -> Sequence[str]:
        return [domain.name for domain in self.domains]


def of(session: Session, keys: Keys, now: datetime) -> Signing:
    newsletters = publication.all_of(session)
    zone = publication.newsroom_zone(session)
    names: dict[str, list[str]] = defaultdict(list)
    for newsletter in newsletters:
        names[addresses.wire_of(newsletter.from_address).rpartition("@")[2]].append(newsletter.name)
    shown: dict[str, list[Shown]] = defaultdict(list)
    for key in dkim_keys.all_of(session):
        shown[key.domain].append(_shown(key, keys, zone, now))
    used = relay_view.of(session).in_use
    signer = used.relay.name if used is not None and not used.profile.keeps_bytes else None
    found = sorted({*names, *shown}, key=lambda name: (name not in names, name))
    return Signing(tuple(Domain(name, tuple(names[name]), tuple(shown[name])) for name in found), signer)


def _shown(key: DkimKey, keys: Keys, zone: str, now: datetime) -> Shown:
    from service.delivery import dkim_material

    return Shown(
        key=key,
        said=_said(key, zone),
        record_name=dkim_material.record_name(key.domain, key.selector),
        record=dkim_material.record_text(key.public),
        zone_line=dkim_material.zone_line(key.domain, key.selector, key.public),
        is_removable=dkim_keys.is_removable(key, now),
        is_locked_with_first=vault.is_current(keys, key.box),
    )


def _said(key: DkimKey, zone: str) -> str:
    if key.state is DkimKeyState.ACTIVE and key.activated_at:
        return f"Signs since {pages.local(key.activated_at, zone)}."
    if key.state is DkimKeyState.READY:
        return f"Made {pages.local(key.created_at, zone)}. Signs nothing yet: publish its record, then sign with it."
    assert key.retired_at
    said = f"Retired {pages.local(key.retired_at, zone)}."
    if key.activated_at is None:
        return f"{said} It has never signed."
    until = pages.local(key.retired_at + dkim_keys.KEPT_AFTER_RETIRING, zone)
    return f"{said} Leave its record in the DNS until {until}: messages that it signed are still on their way or unread."
