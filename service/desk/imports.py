"""Readers brought in from a file: chosen, looked at, corrected, started on somebody's word, watched."""

from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlmodel import Session
from starlette.datastructures import UploadFile

from service import pages
from service.desk import import_view
from service.desk.import_view import ImportView
from service.desk.visit import AtDesk, DeskRoute, Visit, status_of
from service.errors import Invalid, MemoError
from service.imports import layout, looking, packing, reading, register, report, sayings, standings
from service.imports.layout import Delimiter, Layout
from service.imports.looking import Look
from service.imports.models import ReaderImport
from service.imports.packing import Encoding, FileEmpty
from service.imports.register import NewFile
from service.imports.standings import Standing
from service.imports.wishes import Wishes
from service.newsletters import publication

router = APIRouter(route_class=DeskRoute, include_in_schema=False)
PATH = "/desk/newsletters/{slug}/import"
ONE = PATH + "/{uid}"
CHANGED = "You have changed how the file is read. Look at it first, then bring them in."


@router.get(PATH)
async def choose(visit: AtDesk, slug: str) -> Response:
    return await _choosing(visit, slug)


@router.post(PATH)
async def upload(visit: AtDesk, slug: str) -> Response:
    await visit.resources.database.read(publication.get, slug)
    sent = (await visit.request.form()).get("file")
    try:
        if not isinstance(sent, UploadFile) or not sent.filename:
            raise FileEmpty("Choose the file first.", field="file")
        data = await sent.read(packing.MOST_OCTETS + 1)
        file = await reading.run(register.read_file, sent.filename, data, Wishes())
    except Invalid as error:
        return await _choosing(visit, slug, problem=error)
    uid = await visit.resources.database.write(_propose, visit, slug, file)
    return RedirectResponse(_path(slug, uid), status_code=303)


@router.get(ONE)
async def one(visit: AtDesk, slug: str, uid: UUID) -> Response:
    return await _show(visit, slug, uid)


@router.get(ONE + "/progress")
async def progress(visit: AtDesk, slug: str, uid: UUID) -> Response:
    """What the page asks for while it runs; at its end the page is to come anew."""
    view = await visit.resources.database.read(import_view.of, slug, uid, now=visit.resources.clock.now())
    headers = {"Cache-Control": "no-store"} | ({} if view.is_running else {"HX-Refresh": "true"})
    return HTMLResponse(pages.fragment("desk/_import.html", view=view), headers=headers)


@router.get(ONE + "/problems.csv")
async def problems(visit: AtDesk, slug: str, uid: UUID) -> Response:
    view = await visit.resources.database.read(import_view.of, slug, uid, now=visit.resources.clock.now())
    headers = {
        "Cache-Control": "no-store",
        "Content-Disposition": f'attachment; filename="{slug}-import-problems.csv"',
    }
    return Response(report.as_csv(view.problems), media_type="text/csv; charset=utf-8", headers=headers)


@router.post(ONE + "/layout")
async def look_again(visit: AtDesk, slug: str, uid: UUID) -> Response:
    sent = await _sent(visit)
    try:
        await _correct(visit, slug, uid, sent)
    except Invalid as error:
        return await _show(visit, slug, uid, problem=error, entered=sent)
    return await _show(visit, slug, uid, entered=sent)


@router.post(ONE + "/start")
async def start(visit: AtDesk, slug: str, uid: UUID) -> Response:
    sent = await _sent(visit)
    try:
        if await _correct(visit, slug, uid, sent):
            return await _show(visit, slug, uid, problem=Invalid(CHANGED), entered=sent)
        await visit.resources.database.write(_start, visit, slug, uid, sent.get("consent", ""))
    except Invalid as error:
        return await _show(visit, slug, uid, problem=error, entered=sent)
    return visit.done(_path(slug, uid), "It has begun. You can leave this page: it goes on by itself.")


@router.post(ONE + "/stop")
async def stop(visit: AtDesk, slug: str, uid: UUID) -> Response:
    said = await visit.resources.database.write(_stop, visit, slug, uid)
    return visit.done(f"/desk/newsletters/{slug}/import", said)


async def _choosing(visit: Visit, slug: str, *, problem: MemoError | None = None) -> Response:
    view = await visit.resources.database.read(import_view.every, slug)
    return visit.render(
        "desk/imports.html",
        status=status_of(problem) if problem else 200,
        view=view,
        problem=problem.message if problem else None,
    )


async def _show(
    visit: Visit,
    slug: str,
    uid: UUID,
    *,
    problem: Invalid | None = None,
    entered: dict[str, str] | None = None,
) -> Response:
    view = await visit.resources.database.read(import_view.of, slug, uid, now=visit.resources.clock.now())
    return visit.render(
        "desk/import.html",
        status=status_of(problem) if problem else 200,
        view=view,
        problem=problem.message if problem else None,
        problem_field=problem.field if problem else None,
        consent=(entered or {}).get("consent", ""),
        encodings=sayings.ENCODINGS,
        delimiters=sayings.DELIMITERS,
        verdicts=sayings.VERDICTS,
    )


async def _sent(visit: Visit) -> dict[str, str]:
    form = await visit.request.form()
    sent = {name: value for name, value in form.items() if isinstance(value, str)}
    if "standing" in sent:  # several may be chosen
        sent["standing"] = ",".join(value for value in form.getlist("standing") if isinstance(value, str))
    return sent


async def _correct(visit: Visit, slug: str, uid: UUID, sent: dict[str, str]) -> bool:
    """Whether anything is read otherwise now. Looking at the whole file takes a thread some seconds, so it comes before the write."""
    view, kept = await visit.resources.database.read(_kept, visit, slug, uid)
    chosen = await reading.run(_wanted, view.layout, kept, sent)
    if chosen == view.layout:
        return False
    seen = await reading.run(looking.look, kept, chosen)
    await visit.resources.database.write(_keep, slug, uid, chosen, seen)
    return True


def _wanted(known: Layout, kept: bytes, sent: dict[str, str]) -> Layout:
    """In another encoding or divided otherwise the columns are others: they are recognised anew."""
    try:
        encoding = Encoding(sent.get("encoding", known.encoding.value))
    except ValueError as error:
        raise Invalid("Choose one of the encodings.", field="encoding") from error
    delimiter = _delimiter(sent.get("delimiter", known.delimiter))
    if (encoding, delimiter) != (known.encoding, known.delimiter):
        return layout.recognise(kept, encoding=encoding, delimiter=delimiter)
    changes: dict[str, int | bool | None] = {
        name: _place(sent[name]) for name in ("email", "first_name") if name in sent
    }
    changes["has_header"] = sent.get("header", "yes" if known.has_header else "no") == "yes"
    wanted = known.model_copy(update=changes)
    if "standing" not in sent and wanted.has_header == known.has_header:
        return wanted
    return wanted.model_copy(update={"standing": _standing(known, wanted, kept, sent)})


def _standing(known: Layout, wanted: Layout, kept: bytes, sent: dict[str, str]) -> tuple[Standing, ...]:
    """Those that a person chose. Where a header appears it has a say too: they could not see its names while they chose."""
    names = layout.header(kept, wanted)
    said = sent.get("standing", ",".join(str(one.place) for one in known.standing))
    places = {place for one in said.split(",") if (place := _place(one)) is not None}
    if wanted.has_header and not known.has_header:
        places |= {one.place for one in standings.recognised(names, but=(wanted.email, wanted.first_name))}
    return standings.chosen(names, places)


def _delimiter(said: str) -> Delimiter:
    for one_of in layout.DELIMITERS:
        if said == one_of:
            return one_of
    raise Invalid("Choose one of the delimiters.", field="delimiter")


def _place(said: str) -> int | None:
    """Its digits are counted first: Python refuses to read a number of thousands of them."""
    is_number = said.isdecimal() and len(said) <= len(str(standings.MOST_COLUMNS))
    return int(said) if is_number and int(said) < standings.MOST_COLUMNS else None


def _kept(session: Session, visit: Visit, slug: str, uid: UUID) -> tuple[ImportView, bytes]:
    view = import_view.of(session, slug, uid, now=visit.resources.clock.now())
    return view, register.kept_file(session, view.row)


def _propose(session: Session, visit: Visit, slug: str, file: NewFile) -> UUID:
    newsletter, now = publication.get(session, slug), visit.resources.clock.now()
    return register.propose(session, newsletter, file, actor=visit.account.name, now=now).uid


def _keep(session: Session, slug: str, uid: UUID, chosen: Layout, seen: Look) -> None:
    register.correct(session, _locked(session, slug, uid), chosen, seen)


def _start(session: Session, visit: Visit, slug: str, uid: UUID, consent: str) -> None:
    now, actor = visit.resources.clock.now(), visit.account.name
    register.start(session, _locked(session, slug, uid), consent, actor=actor, now=now)


def _stop(session: Session, visit: Visit, slug: str, uid: UUID) -> str:
    row = _locked(session, slug, uid)
    is_begun = row.started_at is not None
    register.stop(session, row, actor=visit.account.name, now=visit.resources.clock.now())
    return "It is stopped. Whoever was entered stays." if is_begun else "The file is thrown away."


def _locked(session: Session, slug: str, uid: UUID) -> ReaderImport:
    return register.locked(session, publication.get(session, slug), uid)


def _path(slug: str, uid: UUID) -> str:
    return f"/desk/newsletters/{slug}/import/{uid}"
