"""`/preferences/{token}`: a reader's own page. Looking changes nothing; the two buttons do, and say what became of it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response

from service import addresses
from service.asking import Asked, Client
from service.dependencies import Resources
from service.errors import MemoError
from service.jobs import Kind
from service.languages import noted
from service.public import headers, masthead, showing
from service.public.masthead import Masthead
from service.subscribers import links, preferences, signup
from service.subscribers.cooldowns import ClientTooOften, TooManySignUps
from service.subscribers.models import ConsentKind, State
from service.subscribers.optout import SubscriptionNotFound
from service.subscribers.preferences import Choice, Preferences, Wanted
from service.subscribers.signup import FirstNameInvalid

if TYPE_CHECKING:
    from service.languages.speaking import Words

router = APIRouter()
NAME_CHARACTERS = 320
LEAVE_ALL = "all"


@dataclass(frozen=True)
class Line:
    """A newsletter on the page."""

    newsletter: Masthead
    is_chosen: bool
    is_open: bool
    told: str
    wording: str  # what the newsroom wrote down when it added them


@dataclass(frozen=True)
class Typed:
    """What was sent and could not be taken: the page shows it again."""

    first_name: str
    shown: frozenset[str]
    chosen: frozenset[str]

    def is_chosen(self, choice: Choice) -> bool:
        slug = choice.newsletter.slug
        return slug in self.chosen if slug in self.shown else choice.is_chosen


@router.api_route("/preferences/{token}", methods=["GET", "HEAD"])
async def look(request: Request, token: str, asked: Asked) -> Response:
    uid = links.read_preferences(asked.keys, token)
    if uid is None:
        return _nobodys(request, token)
    try:
        found = await asked.database.read(preferences.look, uid)
    except SubscriptionNotFound:
        return _gone(request)
    return _page(request, found)


@router.post("/preferences/{token}")
async def change(
    request: Request,
    token: str,
    asked: Asked,
    client: Client,
    first_name: Annotated[str, Form()] = "",
    shown: Annotated[list[str] | None, Form()] = None,
    newsletter: Annotated[list[str] | None, Form()] = None,
    leave: Annotated[str, Form()] = "",
) -> Response:
    uid = links.read_preferences(asked.keys, token)
    if uid is None:
        return _nobodys(request, token)
    typed = Typed(first_name[:NAME_CHARACTERS], frozenset(shown or ()), frozenset(newsletter or ()))
    try:
        before = await asked.database.read(preferences.look, uid)
        name = before.first_name if leave == LEAVE_ALL else signup.read_first_name(first_name)
        wanted = Wanted(
            first_name=name,
            shown=frozenset(c.newsletter.slug for c in before.choices) if leave else typed.shown,
            chosen=frozenset() if leave else typed.chosen,
            page=asked.url("preferences"),
            client=signup.client_mark(client, asked.pepper),
        )
        now = asked.clock.now()
        found = await asked.database.write(preferences.change, uid, wanted, pepper=asked.pepper, now=now)
    except SubscriptionNotFound:
        return _gone(request)
    except FirstNameInvalid as error:
        return _page(request, before, typed=typed, problem=error, status=422)
    except (ClientTooOften, TooManySignUps) as error:
        return _page(request, before, typed=typed, problem=error, status=429)
    await _wake(asked, found)
    return _page(request, found, is_done=True)


async def _wake(asked: Resources, found: Preferences) -> None:
    for notice in found.notices:
        await asked.jobs.nudge(Kind.NOTICE, str(notice))


def _page(
    request: Request,
    found: Preferences,
    *,
    typed: Typed | None = None,
    problem: MemoError | None = None,
    is_done: bool = False,
    status: int = 200,
) -> Response:
    """With a problem: what was typed stays in its place, and what is wrong is said beside it or on top."""
    from service.languages import speaking

    newsletter = masthead.of(found.through)
    words = speaking.of(newsletter.language)
    page = showing.page(
        request,
        "public/preferences.html",
        newsletter,
        status=status,
        address=addresses.masked(found.address),
        first_name=typed.first_name if typed else found.first_name or "",
        problem=problem.message if isinstance(problem, FirstNameInvalid) else "",
        notice=problem.message if problem and not isinstance(problem, FirstNameInvalid) else "",
        lines=[
            _line(choice, words, is_chosen=typed.is_chosen(choice) if typed else choice.is_chosen)
            for choice in found.choices
        ],
        is_reading=found.is_reading,
        is_suppressed=found.suppressed is not None,
        is_asked=bool(found.notices),
        is_done=is_done,
    )
    return headers.personal(page)


def _line(choice: Choice, words: "Words", *, is_chosen: bool) -> Line:
    is_added = choice.consent is not None and choice.consent.kind is ConsentKind.ADDED
    return Line(
        newsletter=masthead.of(choice.newsletter),
        is_chosen=is_chosen,
        is_open=choice.is_open,
        told=_told(choice, words),
        wording=choice.consent.wording if choice.consent is not None and is_added else "",
    )


def _told(choice: Choice, words: "Words") -> str:
    """Why they get it, or why they cannot."""
    given, zone = choice.consent, ZoneInfo(choice.newsletter.time_zone)
    if choice.state is State.PENDING:
        return words.say(
            "We have sent you a message to make sure that it is you. Press the button in it, and you are in."
        )
    if not choice.is_chosen:
        return "" if choice.is_open else words.say("It takes no new readers at the moment.")
    at = given.at if given is not None else choice.confirmed_at
    day = words.date(at.astimezone(zone).date()) if at is not None else ""
    if given is None:
        return words.say("You get it since {date}.", date=day) if day else ""
    if given.kind is ConsentKind.ADDED:
        return words.say("You get it because the newsroom put you on its list on {date}.", date=day)
    if given.method == preferences.METHOD:
        return words.say("You get it because you chose it on this page on {date}.", date=day)
    return words.say("You get it because you signed up, and confirmed it on {date}.", date=day)


def _nobodys(request: Request, token: str) -> Response:
    if token == links.NOBODYS:
        message = noted(
            "The message that this link stands in was a test or a preview, so there is nobody’s page behind it."
        )
        heading, status = noted("This was a test"), 200
    else:
        message = noted("There is nothing at this address. Perhaps a letter of the link got lost.")
        heading, status = noted("This link is not complete"), 404
    page = showing.page(request, "public/problem.html", status=status, heading=heading, message=message)
    return headers.personal(page)


def _gone(request: Request) -> Response:
    """The link is ours, the subscription has been erased since."""
    message = noted("No subscription is left behind this link, so you get nothing from us.")
    heading = noted("You are not subscribed")
    page = showing.page(request, "public/problem.html", heading=heading, message=message)
    return headers.personal(page)
