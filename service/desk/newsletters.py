"""One newsletter: what goes in (articles, feeds), when it appears, and how an edition of it begins."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Form
from fastapi.responses import Response
from sqlmodel import Session

from service.articles import intake, polling, reading
from service.articles import queries as articles
from service.articles.intake import ArticleDraft
from service.articles.models import Article, Source
from service.desk import beginning, newsletter_view
from service.desk.refusals import Place, Refusal, refused
from service.desk.visit import AtDesk, DeskRoute, Visit
from service.editions.rhythm import Rhythm
from service.errors import Conflict, Invalid, MemoError, NotFound
from service.newsletters import details, publication

router = APIRouter(route_class=DeskRoute, include_in_schema=False)
FIRST_DAY = "day-mon"
RHYTHM = {"weekdays": Place(FIRST_DAY), "local_time": Place("at")}
DEADLINE = {
    "deadline_minutes": Place("minutes", "Handed over within (minutes)"),
    "ping_url": Place("ping-url", "Call this address when it was in time"),
}


@router.get("/desk/newsletters/{slug}")
async def newsletter(visit: AtDesk, slug: str) -> Response:
    return await show(visit, slug)


@router.post("/desk/newsletters/{slug}/cadence")
async def cadence(
    visit: AtDesk,
    slug: str,
    weekday: Annotated[list[str] | None, Form()] = None,
    at: Annotated[str, Form()] = "",
    automatic: Annotated[str, Form()] = "",
    action: Annotated[Literal["look", "save"], Form()] = "look",
) -> Response:
    wanted = Rhythm(",".join(weekday or ()), at.strip(), bool(automatic))
    now = visit.resources.clock.now()
    try:
        if action == "look":
            return await show(visit, slug, wanted=wanted)
        said = await visit.resources.database.write(
            beginning.keep_rhythm, slug, wanted, now=now, actor=visit.account.name
        )
    except (Conflict, Invalid) as error:
        return await show(visit, slug, problem=refused(error, RHYTHM), wanted=wanted)
    return visit.done(f"/desk/newsletters/{slug}#cadence", said)


@router.post("/desk/newsletters/{slug}/deadline")
async def deadline(
    visit: AtDesk, slug: str, minutes: Annotated[str, Form()] = "", ping_url: Annotated[str, Form()] = ""
) -> Response:
    entered = {"minutes": minutes, "ping_url": ping_url}
    now, actor = visit.resources.clock.now(), visit.account.name
    try:
        said = await visit.resources.database.write(
            _keep_deadline, slug, minutes.strip(), ping_url.strip(), now=now, actor=actor
        )
    except Invalid as error:
        return await show(visit, slug, problem=refused(error, DEADLINE), entered=entered)
    return visit.done(f"/desk/newsletters/{slug}#deadline", said)


@router.post("/desk/newsletters/{slug}/articles")
async def add_article(visit: AtDesk, slug: str, url: Annotated[str, Form()] = "") -> Response:
    held = visit.resources
    try:
        await held.database.read(publication.get, slug)
        draft = await reading.read_page(held.fetcher, url.strip())
        article = await held.database.write(_take_in, slug, draft, now=held.clock.now())
    except NotFound:
        raise
    except MemoError as error:
        refusal = refused(error, otherwise="article-url")
        return await show(visit, slug, problem=refusal, entered={"article_url": url})
    warned = f" Please look at it: {' '.join(draft.warnings)}" if draft.warnings else ""
    return visit.done(f"/desk/newsletters/{slug}#compose", f"“{article.headline}” is in.{warned}")


@router.post("/desk/newsletters/{slug}/feeds")
async def add_feed(visit: AtDesk, slug: str, url: Annotated[str, Form()] = "") -> Response:
    held = visit.resources
    try:
        await held.database.write(_follow, slug, url.strip(), now=held.clock.now(), actor=visit.account.name)
    except (Conflict, Invalid) as error:
        refusal = refused(error, otherwise="feed-url")
        return await show(visit, slug, problem=refusal, entered={"feed_url": url})
    return visit.done(
        f"/desk/newsletters/{slug}#feeds-title", "The feed is added; it will be read in a moment."
    )


@router.post("/desk/newsletters/{slug}/feeds/{uid}/accept")
async def accept_feed(visit: AtDesk, slug: str, uid: UUID) -> Response:
    await visit.resources.database.write(
        _accept, uid, now=visit.resources.clock.now(), actor=visit.account.name
    )
    return visit.done(f"/desk/newsletters/{slug}#feeds-title", "Its items are known now; it is read again.")


@router.post("/desk/newsletters/{slug}/editions")
async def begin_edition(
    visit: AtDesk,
    slug: str,
    origin: Annotated[Literal["latest", "chosen"], Form(alias="from")],
    article: Annotated[list[UUID] | None, Form()] = None,
    into: Annotated[str, Form()] = "",
) -> Response:
    held = visit.resources
    now, actor = held.clock.now(), visit.account.name
    chosen = list(article or ())
    try:
        if origin == "latest":
            uid = await held.database.write(beginning.from_latest, slug, now=now, actor=actor)
        else:
            uid = await held.database.write(beginning.from_chosen, slug, chosen, into, now=now, actor=actor)
    except (Conflict, Invalid) as error:
        refusal = refused(error, otherwise="latest" if origin == "latest" else "article-1")
        picked = [str(one) for one in chosen]
        return await show(visit, slug, problem=refusal, entered={"into": into}, chosen=picked)
    return visit.done(f"/desk/editions/{uid}", "Here it is, as a draft. Nothing leaves until you say so.")


async def show(
    visit: Visit,
    slug: str,
    *,
    problem: Refusal | None = None,
    entered: Mapping[str, str] | None = None,
    wanted: Rhythm | None = None,
    chosen: Sequence[str] = (),
) -> Response:
    """The newsletter's page; a rhythm that is only proposed is shown with its next dates before it is kept (faults.md NB-40).

    One that was refused has no dates; it is shown as it was entered.
    """
    now = visit.resources.clock.now()
    view = await visit.resources.database.read(newsletter_view.of, slug, now=now)
    shown = wanted or beginning.rhythm_of(view.cadence)
    dates: list[datetime] = []
    if problem is None and (wanted is not None or view.cadence is not None):
        dates = beginning.next_dates(shown, view.newsletter.time_zone, now)
    return visit.render(
        "desk/newsletter.html",
        status=problem.status if problem else 200,
        view=view,
        weekdays=beginning.WEEKDAYS,
        rhythm=shown,
        is_proposed=wanted is not None and problem is None,
        dates=dates,
        problem=problem,
        bounce_domain=visit.resources.settings.bounce_domain,
        entered=dict(entered or {}),
        chosen=list(chosen),
        now=now,
    )


def _take_in(session: Session, slug: str, draft: ArticleDraft, *, now: datetime) -> Article:
    newsletter = publication.get(session, slug)
    return intake.add(session, newsletter.id, draft, source=Source.PAGE, now=now)


def _keep_deadline(
    session: Session, slug: str, minutes: str, ping_url: str, *, now: datetime, actor: str
) -> str:
    newsletter = publication.get(session, slug)
    changes = {"deadline_minutes": minutes, "ping_url": ping_url or None}
    wanted = details.read(publication.details_of(newsletter).model_dump() | changes)
    publication.change(session, newsletter, wanted, now=now, actor=actor)
    called = " The watcher is called once for each edition that is." if wanted.ping_url else ""
    return f"An edition is to be handed over within {wanted.deadline_minutes} minutes of its time.{called}"


def _follow(session: Session, slug: str, url: str, *, now: datetime, actor: str) -> None:
    polling.add_feed(session, publication.get(session, slug), url, now=now, actor=actor)


def _accept(session: Session, uid: UUID, *, now: datetime, actor: str) -> None:
    polling.accept_as_known(session, articles.feed(session, uid), now=now, actor=actor)
