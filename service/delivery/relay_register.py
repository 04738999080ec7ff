"""The register of relays: entered, changed, given a role. A password goes in and never comes out again, but to the relay it is for."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import cast

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from service import vault
from service.delivery import pace_rows, profiles, relay_details
from service.delivery.models import Bucket, HandedOver, ProviderLimit, Relay, Role, Seat, SlowedDown
from service.delivery.relay_details import RelayDetails, RelayInvalid
from service.delivery.transport import RelayAddress, Tls
from service.errors import Conflict, NotFound
from service.events import log
from service.tokens import Keys

PURPOSE = "relay password"


class RelayNotFound(NotFound):
    """There is no relay of this name."""


class RelayNameTaken(Conflict):
    """There is a relay of this name already. Choose another name, or change that one."""


class SettingDecides(Conflict):
    """This relay is told by MEMO_RELAY_URL. Change it there and start the service again; here it can only be tested."""


class RelayInUse(Conflict):
    """Only a relay that is switched off can be removed."""


@dataclass(frozen=True)
class Greeting:
    """How we introduce ourselves to every relay, and whose certificates we trust beside the system's."""

    ehlo_name: str
    ca_file: Path | None


def all_of(session: Session) -> list[Relay]:
    """In use first, then those that are off; without rows that are only clocks, or what MEMO_RELAY_URL said once."""
    order = {Role.MAIN: 0, Role.FALLBACK: 1, Role.OFF: 2}
    found = session.exec(select(Relay).where(col(Relay.host) != "").order_by(col(Relay.name)))
    shown = [one for one in found if not (one.is_from_setting and one.role is Role.OFF)]
    return sorted(shown, key=lambda one: (order[one.role], not one.is_from_setting))


def get(session: Session, name: str) -> Relay:
    relay = next((one for one in all_of(session) if one.name == name), None)
    if relay is None:
        raise RelayNotFound
    return relay


def get_own(session: Session, name: str) -> Relay:
    """Locked, to be changed. Raises SettingDecides for the one that MEMO_RELAY_URL tells."""
    relay = get(session, name)
    if relay.is_from_setting:
        raise SettingDecides
    return session.exec(select(Relay).where(Relay.id == relay.id).with_for_update()).one()


def add(
    session: Session, details: RelayDetails, *, password: str, keys: Keys, now: datetime, actor: str
) -> Relay:
    """It is off until somebody gives it a role: test it first."""
    relay = _left_behind(session, details.name) or Relay(name=details.name)
    _take_over(relay, details)
    _set_password(relay, password, keys)
    try:
        with session.begin_nested():
            session.add(relay)
    except IntegrityError as error:
        raise RelayNameTaken from error
    log.record(
        session, "relay.added", actor=actor, now=now, subject=("relay", relay.uid), facts=_facts(relay)
    )
    return relay


def _left_behind(session: Session, name: str) -> Relay | None:
    """Of a relay that was removed while a connection to it was still open: what that one heard last made a row that says nothing else."""
    query = select(Relay).where(Relay.name == name, Relay.host == "", col(Relay.is_from_setting).is_(False))
    found = session.exec(query.with_for_update()).first()
    if found is not None:
        _forget_the_past(found)
    return found


def change(
    session: Session,
    details: RelayDetails,
    *,
    password: str | None,
    keys: Keys,
    now: datetime,
    actor: str,
) -> Relay:
    """`password` None keeps the one there is; empty takes it away. The relay's clock begins anew: it is tried at once."""
    relay = get_own(session, details.name)
    before = (relay.host, relay.port, relay.tls)
    if details.host != relay.host and details.profile == profiles.guessed(relay.host).key:
        details = details.model_copy(
            update={"profile": ""}
        )  # it was told by the host, so the new host tells it
    _take_over(relay, details)
    if not relay.user:
        password = ""
    if password is None and relay.password_box and before != (relay.host, relay.port, relay.tls):
        raise RelayInvalid(
            "The password kept here is for the relay as it was. Enter it again for the new address.",
            field="password",
        )
    if password is not None:
        _set_password(relay, password, keys)
    _forget_the_past(relay)
    session.add(relay)
    log.record(
        session, "relay.changed", actor=actor, now=now, subject=("relay", relay.uid), facts=_facts(relay)
    )
    return relay


def give_role(session: Session, name: str, role: Role, *, now: datetime, actor: str) -> Relay:
    """If another relay has that role already, the two change places; switched off, it is followed by nobody."""
    relay = get_own(session, name)
    rows = session.exec(select(Relay).where(col(Relay.host) != "").order_by(col(Relay.id)).with_for_update())
    for other in rows:
        other.handed_over_at = None
        if role is not Role.OFF and other.role is role and not other.is_from_setting:
            other.role = relay.role
        session.add(other)
    relay.role = role
    _forget_the_past(relay)
    session.add(relay)
    facts = {"name": relay.name, "role": role.value}
    log.record(session, "relay.role_given", actor=actor, now=now, subject=("relay", relay.uid), facts=facts)
    return relay


def remove(session: Session, name: str, *, now: datetime, actor: str) -> None:
    relay = get_own(session, name)
    if relay.role is not Role.OFF:
        raise RelayInUse
    session.delete(relay)
    for kept in (ProviderLimit, HandedOver, SlowedDown, Seat):
        session.execute(sa.delete(kept).where(col(kept.relay) == relay.name))
    session.execute(sa.delete(Bucket).where(col(Bucket.place) == pace_rows.RELAY + relay.name))
    log.record(
        session, "relay.removed", actor=actor, now=now, subject=("relay", relay.uid), facts=_facts(relay)
    )


def follow_setting(session: Session, address: RelayAddress | None) -> None:
    """Show what MEMO_RELAY_URL says as a row: it is the main relay. Without the setting its row is off. Called when a worker starts."""
    rows = {one.name: one for one in session.exec(select(Relay).where(col(Relay.is_from_setting)))}
    for name, relay in rows.items():
        if address is None or name != address.name:
            relay.role, relay.handed_over_at = Role.OFF, None
            session.add(relay)
    if address is None:
        return
    relay = rows.get(address.name) or _clock_of(session, address.name)
    relay.host, relay.port, relay.tls, relay.user = address.host, address.port, address.tls, address.user
    relay.profile = profiles.guessed(address.host).key
    relay.role, relay.is_from_setting = Role.MAIN, True
    session.add(relay)


def address_of(relay: Relay, keys: Keys, greeting: Greeting) -> RelayAddress:
    """Where it is and how we sign in; raises vault.KeyMissing or BoxDamaged for a password that cannot be read."""
    password = None
    if relay.password_box:
        password = vault.unlock(keys, relay.password_box, purpose=PURPOSE, row=str(relay.uid)).decode()
    return RelayAddress(
        host=relay.host,
        port=relay.port,
        tls=cast(Tls, relay.tls),
        user=relay.user,
        password=password,
        ca_file=greeting.ca_file,
        ehlo_name=greeting.ehlo_name,
        label=relay.name,
    )


def _clock_of(session: Session, name: str) -> Relay:
    found = session.exec(select(Relay).where(Relay.name == name)).first()
    if found is not None:
        return found
    made = Relay(name=name)
    try:
        with session.begin_nested():
            session.add(made)
    except IntegrityError:  # another worker has just begun, too
        return session.exec(select(Relay).where(Relay.name == name)).one()
    return made


def _take_over(relay: Relay, details: RelayDetails) -> None:
    relay.host, relay.port, relay.tls = details.host, details.shown_port, details.tls
    relay.user, relay.profile, relay.connections = details.user, details.shown_profile, details.connections


def _set_password(relay: Relay, password: str, keys: Keys) -> None:
    if password and not relay.user:
        raise RelayInvalid("A password needs a user: give both, or neither.", field="user")
    if relay.user and not password:
        raise RelayInvalid("This user needs a password.", field="password")
    secret = relay_details.checked_password(password).encode()
    relay.password_box = vault.lock(keys, secret, purpose=PURPOSE, row=str(relay.uid)) if secret else None


def _forget_the_past(relay: Relay) -> None:
    relay.failures = 0
    relay.problem = relay.since = relay.wait_until = None
    relay.down_since = relay.handed_over_at = relay.returned_at = None


def _facts(relay: Relay) -> dict[str, object]:
    """For the audit log, which everybody at the desk may read: no password, and no user name either."""
    return {"name": relay.name, "host": relay.host, "port": relay.port, "tls": relay.tls}
