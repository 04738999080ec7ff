"""Signing (DKIM): keys made, taken in, put to work one after the other, with the DNS record of each to publish.

The rules are those of `memo dkim`. The private half comes in with a file at most, and no page ever has it.
"""

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, File, Form, UploadFile
from fastapi.responses import Response
from sqlmodel import Session

from service.delivery import dkim_keys
from service.delivery.models import DkimKey
from service.desk import dkim_view
from service.desk.refusals import Place, Refusal, refused
from service.desk.visit import AtDesk, DeskRoute, Visit
from service.errors import Conflict, Invalid

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

router = APIRouter(route_class=DeskRoute, include_in_schema=False)
PATH = "/desk/dkim"
ONE = PATH + "/{domain}/{selector}"
FILE_OCTETS_MOST = 64 * 1024
MADE = {"domain": Place("make-domain"), "selector": Place("make-selector")}
TAKEN_IN = {"domain": Place("import-domain"), "selector": Place("import-selector")}


class NotPublished(Invalid):
    """Tick the box once the DNS answers with this key's record: what is signed before fails at every mailbox provider."""


@router.get(PATH)
async def keys(visit: AtDesk) -> Response:
    return await _page(visit)


@router.post(PATH)
async def make(
    visit: AtDesk, domain: Annotated[str, Form()] = "", selector: Annotated[str, Form()] = ""
) -> Response:
    """Without a selector one is made from today's date."""
    from service.delivery import dkim_material

    entered = {"domain": domain.strip(), "selector": selector.strip()}
    try:
        dkim_material.checked_domain(domain)
        private = await asyncio.to_thread(dkim_material.new_private_key)
        key = await _added(visit, entered, private)
    except (Conflict, Invalid) as error:
        refusal = refused(error, MADE, otherwise="make-selector")
        return await _page(visit, problem=refusal, entered=entered)
    return _publish(visit, key, "is made")


@router.post(PATH + "/import")
async def take_in(
    visit: AtDesk,
    domain: Annotated[str, Form()] = "",
    selector: Annotated[str, Form()] = "",
    file: Annotated[UploadFile | None, File()] = None,
) -> Response:
    """Of a key that exists the selector is given: it stands in the DNS already."""
    from service.delivery import dkim_material

    entered = {"domain": domain.strip(), "selector": selector.strip(), "form": "import"}
    try:
        dkim_material.checked_selector(selector)
        data = await file.read(FILE_OCTETS_MOST) if file is not None else b""
        private = await asyncio.to_thread(dkim_material.read_pem, data)
        key = await _added(visit, entered, private)
    except (Conflict, Invalid) as error:
        refusal = refused(
            error, TAKEN_IN, otherwise="file" if isinstance(error, Invalid) else "import-selector"
        )
        return await _page(visit, problem=refusal, entered=entered)
    return _publish(visit, key, "is taken in")


@router.post(ONE + "/activate")
async def activate(
    visit: AtDesk, domain: str, selector: str, published: Annotated[str, Form()] = ""
) -> Response:
    if not published:
        refusal = refused(NotPublished(), otherwise=f"published-{domain}/{selector}")
        return await _page(visit, problem=refusal)
    held = visit.resources
    done = await held.database.write(
        dkim_keys.activate, (domain, selector), actor=visit.account.name, now=held.clock.now()
    )
    said = f"Messages from {domain} are signed with {selector} from now on. Send yourself a test message and look for dkim=pass."
    if done.replaced:
        days = dkim_keys.KEPT_AFTER_RETIRING.days
        said += (
            f" {done.replaced} is retired: its record has to stay in the DNS for at least {days} more days."
        )
    return visit.done(PATH, said)


@router.post(ONE + "/retire")
async def retire(visit: AtDesk, domain: str, selector: str) -> Response:
    held, place = visit.resources, (domain, selector)

    def stop(session: Session) -> bool:
        key = dkim_keys.retire(session, place, actor=visit.account.name, now=held.clock.now())
        session.flush()
        return key.domain in dkim_keys.active(session)

    is_signed = await held.database.write(stop)
    said = "" if is_signed else f" No key of {domain} is active: its messages leave unsigned from now on."
    return visit.done(PATH, f"{selector} is retired.{said}")


@router.post(ONE + "/remove")
async def remove(visit: AtDesk, domain: str, selector: str) -> Response:
    from service.delivery import dkim_material

    held = visit.resources
    try:
        key = await held.database.write(
            dkim_keys.remove, (domain, selector), actor=visit.account.name, now=held.clock.now()
        )
    except Conflict as error:
        return await _page(visit, problem=refused(error))
    name = dkim_material.record_name(key.domain, key.selector)
    return visit.done(PATH, f"The key is gone. Take {name} out of the DNS.")


async def _added(visit: Visit, entered: Mapping[str, str], private: "RSAPrivateKey") -> DkimKey:
    held, now = visit.resources, visit.resources.clock.now()

    def add(session: Session) -> DkimKey:
        domain = entered["domain"]
        place = domain, entered["selector"] or dkim_keys.free_selector(session, domain, now)
        return dkim_keys.add(session, held.keys, place, private, actor=visit.account.name, now=now)

    return await held.database.write(add)


def _publish(visit: Visit, key: DkimKey, done: str) -> Response:
    said = f"{key.selector} of {key.domain} {done}, and signs nothing yet. Publish its record, then sign with it."
    return visit.done(f"{PATH}#{key.domain}/{key.selector}", said)


async def _page(
    visit: Visit, *, problem: Refusal | None = None, entered: Mapping[str, str] | None = None
) -> Response:
    held = visit.resources
    found = await held.database.read(dkim_view.of, held.keys, held.clock.now())
    return visit.render(
        "desk/dkim.html",
        status=problem.status if problem else 200,
        found=found,
        problem=problem,
        entered=entered or {},
    )
