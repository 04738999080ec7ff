"""What came back: figures, waves that wait for somebody, letters to read, and each bounce with its rule and its mail."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form
from fastapi.responses import Response
from sqlmodel import Session

from service.bounces import inbox_register, keeping, wave
from service.bounces.models import Bounce, ReturnedMail
from service.desk import bounce_view
from service.desk.refusals import Place, Refusal, refused
from service.desk.visit import AtDesk, DeskRoute, Visit
from service.errors import Conflict, Invalid
from service.mailbox import reading

router = APIRouter(route_class=DeskRoute, include_in_schema=False)
PATH = "/desk/bounces"
INBOX = {name: Place(name) for name in ("host", "port", "tls", "user", "secret", "folder")}


@router.get(PATH)
async def bounces(visit: AtDesk, before: int | None = None) -> Response:
    held = visit.resources
    found = await held.database.read(
        bounce_view.overview, now=held.clock.now(), zone=visit.zone, before=before
    )
    return visit.render(
        "desk/bounces.html",
        found=found,
        labels=bounce_view.LABELS,
        limits=(bounce_view.COMPLAINTS_GOOD, bounce_view.COMPLAINTS_MOST),
        domain=held.settings.bounce_domain,
        listens=held.settings.bounce_listen,
        before=before,
    )


@router.post(PATH + "/waves/{uid}")
async def decide(visit: AtDesk, uid: UUID, suppress: Annotated[bool, Form()]) -> Response:
    held = visit.resources
    await held.database.write(
        wave.decide,
        uid,
        suppresses=suppress,
        pepper=held.pepper,
        actor=visit.account.name,
        now=held.clock.now(),
    )
    done = "They are suppressed" if suppress else "Nobody is suppressed for it"
    return visit.done(PATH, f"{done}; what else comes back in these words goes the same way.")


@router.get(PATH + "/inbox")
async def inbox(visit: AtDesk) -> Response:
    return await _inbox(visit)


@router.post(PATH + "/inbox")
async def use_inbox(
    visit: AtDesk,
    host: Annotated[str, Form()] = "",
    port: Annotated[str, Form()] = "",
    tls: Annotated[str, Form()] = "implicit",
    user: Annotated[str, Form()] = "",
    secret: Annotated[str, Form()] = "",
    folder: Annotated[str, Form()] = "",
    has_token: Annotated[bool, Form()] = False,
    deletes: Annotated[bool, Form()] = False,
) -> Response:
    held = visit.resources
    entered = {
        "host": host.strip(), "port": port.strip(), "tls": tls, "user": user.strip(), "folder": folder.strip(),
        "has_token": has_token, "deletes": deletes,
    }  # fmt: skip
    try:
        await held.database.write(
            inbox_register.use,
            inbox_register.read(entered),
            secret=secret,
            keys=held.keys,
            actor=visit.account.name,
            now=held.clock.now(),
        )
    except (Conflict, Invalid) as error:
        return await _inbox(visit, problem=refused(error, INBOX), entered=entered)
    return visit.done(PATH, "The mailbox is kept. A worker looks into it within a minute.")


@router.post(PATH + "/inbox/forget")
async def forget_inbox(visit: AtDesk) -> Response:
    held = visit.resources
    await held.database.write(inbox_register.forget, actor=visit.account.name, now=held.clock.now())
    return visit.done(PATH, "Nothing is fetched from a mailbox any more.")


@router.get(PATH + "/mail/{uid}")
async def mail(visit: AtDesk, uid: UUID) -> Response:
    kept, told = await visit.resources.database.read(_mail, uid)
    shown, is_cut = reading.without_excess(kept.raw.decode("utf-8", "replace").replace("\x00", "\ufffd"))
    return visit.render("desk/returned-mail.html", mail=kept, told=told, shown=shown, is_cut=is_cut)


@router.post(PATH + "/mail/{uid}/read")
async def mark_read(visit: AtDesk, uid: UUID) -> Response:
    held = visit.resources
    await held.database.write(keeping.mark_read, uid, now=held.clock.now())
    return visit.done(f"{PATH}#to-read", "It is put away.")


@router.get(PATH + "/{uid}")
async def bounce(visit: AtDesk, uid: UUID) -> Response:
    return visit.render("desk/bounce.html", found=await visit.resources.database.read(bounce_view.one, uid))


def _mail(session: Session, uid: UUID) -> tuple[ReturnedMail, list[Bounce]]:
    kept = keeping.get(session, uid)
    return kept, bounce_view.of_mail(session, kept)


async def _inbox(
    visit: Visit, problem: Refusal | None = None, entered: dict[str, Any] | None = None
) -> Response:
    kept = await visit.resources.database.read(inbox_register.get)
    values = entered if entered is not None else (kept.model_dump(mode="json") if kept is not None else {})
    return visit.render(
        "desk/inbox.html",
        status=problem.status if problem is not None else 200,
        kept=kept,
        entered={name: "" if value is None else value for name, value in values.items()},
        problem=problem,
    )
