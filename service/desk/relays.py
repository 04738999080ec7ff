"""The relays messages leave through: entered, changed, tried out, and which of them is in use."""

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Form
from fastapi.responses import Response

from service import addresses
from service.addresses import AddressInvalid
from service.delivery import (
    profiles,
    provider_groups,
    relay_details,
    relay_pace,
    relay_register,
    relay_trial,
)
from service.delivery.models import Role
from service.delivery.relay_trial import Trial, Wanted
from service.desk import relay_view
from service.desk.refusals import Place, Refusal, refused
from service.desk.visit import AtDesk, DeskRoute, Visit
from service.errors import Conflict, Invalid, MemoError, NotFound

router = APIRouter(route_class=DeskRoute, include_in_schema=False)
PATH = "/desk/relays"
FIELDS = ("name", "host", "port", "tls", "user", "password", "profile", "connections")
PLACES = {
    **{name: Place(name) for name in (*FIELDS, *relay_pace.WORDS, "provider", "why")},
    "provider_rate": Place("provider_rate"),
    "from_address": Place("sender"),
}
DONE = {
    Role.MAIN: "{name} is the main relay now: what leaves goes through it.",
    Role.FALLBACK: "{name} stands in now whenever the main relay is out of reach.",
    Role.OFF: "{name} is switched off: nothing is sent through it.",
}


@router.get(PATH)
async def relays(visit: AtDesk) -> Response:
    return await _list(visit)


@router.post(PATH)
async def add(
    visit: AtDesk,
    name: Annotated[str, Form()] = "",
    host: Annotated[str, Form()] = "",
    port: Annotated[str, Form()] = "",
    tls: Annotated[str, Form()] = "required",
    user: Annotated[str, Form()] = "",
    password: Annotated[str, Form()] = "",
    profile: Annotated[str, Form()] = "",
    connections: Annotated[str, Form()] = "",
) -> Response:
    entered = _entered(name, host, port, tls, user, profile, connections)
    held = visit.resources
    try:
        details = relay_details.read(entered)
        await held.database.write(
            relay_register.add,
            details,
            password=password,
            keys=held.keys,
            now=held.clock.now(),
            actor=visit.account.name,
        )
    except (Conflict, Invalid) as error:
        refusal = refused(error, PLACES, otherwise="name" if isinstance(error, Conflict) else "tls")
        return await _list(visit, problem=refusal, entered=entered)
    return visit.done(
        f"{PATH}/{details.name}#trial", f"{details.name} is added, and off. Try it out, then use it."
    )


@router.get(PATH + "/{name}")
async def relay(visit: AtDesk, name: str) -> Response:
    return await show(visit, name)


@router.post(PATH + "/{name}")
async def change(
    visit: AtDesk,
    name: str,
    host: Annotated[str, Form()] = "",
    port: Annotated[str, Form()] = "",
    tls: Annotated[str, Form()] = "required",
    user: Annotated[str, Form()] = "",
    password: Annotated[str, Form()] = "",
    profile: Annotated[str, Form()] = "",
    connections: Annotated[str, Form()] = "",
) -> Response:
    """An empty password keeps the one there is: it is never shown, so the field always begins empty."""
    entered = _entered(name, host, port, tls, user, profile, connections)
    held = visit.resources
    try:
        await held.database.write(
            relay_register.change,
            relay_details.read(entered),
            password=password or None,
            keys=held.keys,
            now=held.clock.now(),
            actor=visit.account.name,
        )
    except (Conflict, Invalid) as error:
        refusal = refused(error, PLACES, otherwise=None if isinstance(error, Conflict) else "tls")
        return await show(visit, name, problem=refusal, entered=entered)
    return visit.done(f"{PATH}/{name}#trial", f"{name} is changed. Try it out.")


@router.post(PATH + "/{name}/pace")
async def pace(
    visit: AtDesk,
    name: str,
    rate: Annotated[str, Form()] = "",
    per_hour: Annotated[str, Form()] = "",
    per_day: Annotated[str, Form()] = "",
    slowed_to: Annotated[str, Form()] = "",
) -> Response:
    wanted = {"rate": rate, "per_hour": per_hour, "per_day": per_day, "slowed_to": slowed_to}
    entered = {key: value.strip() for key, value in wanted.items()}
    held = visit.resources
    try:
        read = relay_pace.read(entered)
        await held.database.write(
            relay_pace.change, name, read, now=held.clock.now(), actor=visit.account.name
        )
    except Invalid as error:
        return await show(visit, name, problem=refused(error, PLACES), entered=entered)
    return visit.done(f"{PATH}/{name}#pace", f"{name} has a new pace. Every worker follows within a second.")


@router.post(PATH + "/{name}/role")
async def role(visit: AtDesk, name: str, role: Annotated[Role, Form()]) -> Response:
    held = visit.resources
    try:
        await held.database.write(
            relay_register.give_role, name, role, now=held.clock.now(), actor=visit.account.name
        )
    except (Conflict, Invalid) as error:
        return await show(visit, name, problem=refused(error))
    return visit.done(PATH, DONE[role].format(name=name))


@router.post(PATH + "/{name}/test")
async def test(
    visit: AtDesk, name: str, to: Annotated[str, Form()] = "", sender: Annotated[str, Form()] = ""
) -> Response:
    """The answer is the page itself, with what happened: nothing is stored that a redirect could show."""
    entered = {"to": to, "sender": sender}
    try:
        _, trial = await relay_trial.take(visit.resources, Wanted(name, to, sender), actor=visit.account.name)
    except NotFound:
        raise
    except MemoError as error:
        at = {"email": Place("to" if not _is_address(to) else "sender")}
        return await show(visit, name, problem=refused(error, PLACES | at), entered=entered)
    return await show(visit, name, entered=entered, trial=trial)


@router.post(PATH + "/{name}/remove")
async def remove(visit: AtDesk, name: str) -> Response:
    held = visit.resources
    try:
        await held.database.write(relay_register.remove, name, now=held.clock.now(), actor=visit.account.name)
    except (Conflict, Invalid) as error:
        return await show(visit, name, problem=refused(error))
    return visit.done(PATH, f"{name} is removed.")


def _is_address(text: str) -> bool:
    try:
        addresses.parse(text)
    except AddressInvalid:
        return False
    return True


def _entered(
    name: str, host: str, port: str, tls: str, user: str, profile: str, connections: str
) -> dict[str, str]:
    return {
        "name": name.strip(),
        "host": host.strip(),
        "port": port.strip(),
        "tls": tls,
        "user": user.strip(),
        "profile": profile,
        "connections": connections.strip(),
    }


async def _list(
    visit: Visit, *, problem: Refusal | None = None, entered: Mapping[str, str] | None = None
) -> Response:
    connections = visit.resources.settings.relay_connections
    found = await visit.resources.database.read(relay_view.of, connections=connections)
    return visit.render(
        "desk/relays.html",
        status=problem.status if problem else 200,
        found=found,
        problem=problem,
        entered=entered or {},
        profiles=profiles.PROFILES,
        tls_words=relay_view.TLS_WORDS,
        patience=visit.resources.settings.relay_fallback_after,
        connections=connections,
    )


async def show(
    visit: Visit,
    name: str,
    *,
    problem: Refusal | None = None,
    entered: Mapping[str, str] | None = None,
    trial: Trial | None = None,
) -> Response:
    connections = visit.resources.settings.relay_connections
    found = await visit.resources.database.read(relay_view.of, connections=connections)
    card = relay_view.find(found, name)
    kept = {
        key: str(getattr(card.relay, key) or "")
        for key in ("host", "port", "tls", "user", "profile", "connections", *relay_pace.WORDS)
    }
    if kept["profile"] == profiles.guessed(card.relay.host).key:
        kept["profile"] = ""
    return visit.render(
        "desk/relay.html",
        status=problem.status if problem else 200,
        found=found,
        card=card,
        known=relay_view.known(card.profile),
        looked_at=profiles.LOOKED_AT,
        providers=tuple(provider_groups.GROUPS),
        problem=problem,
        entered=kept | dict(entered or {}),
        trial=trial,
        profiles=profiles.PROFILES,
        tls_words=relay_view.TLS_WORDS,
        connections=connections,
    )
