"""`memo demo --check`: the whole tour without a person, over HTTP and SMTP. The first step that fails ends it with code 1."""

import asyncio
import email
import re
import socket
import uuid
from datetime import timedelta
from email.message import EmailMessage
from email.policy import default

import sqlalchemy as sa
from sqlmodel import Session, col

from service.demo import running, sample, visitor
from service.demo.running import Demo
from service.errors import MemoError
from service.mailbox.models import CaughtMessage
from service.settings import Settings

READER = "newcomer@example.org"
PATIENCE_SECONDS = 30
ARTICLE = re.compile(r'href="(?:\./)?(articles/[^"#]+\.html)"')


class StepFailed(MemoError):
    """A step of the tour did not end as it should."""

    def __init__(self, what: str) -> None:
        super().__init__(f"the tour stopped: {what}")


async def checked(chosen: Settings, sockets: list[socket.socket]) -> None:
    async with running.up(chosen, sockets) as demo:
        await take(demo)


async def take(demo: Demo) -> None:
    """Print each step; raises StepFailed."""
    await _sign_up(demo)
    await _confirm(demo)
    first = await _send_by_api(demo)
    message = await _received(demo, READER, 2)
    _expect("unsubscribe" in _text(message, "plain").lower(), "the edition says how to leave")
    _say(f"the edition sent by API arrived: “{message['Subject']}”")
    await _send_by_schedule(demo, first)
    message = await _received(demo, READER, 3)
    _say(f"the edition of the timetable arrived: “{message['Subject']}”")
    await _leave(demo, message)
    await _send_without_them(demo)


async def _sign_up(demo: Demo) -> None:
    front = await visitor.get(f"{demo.sample.newsroom_url}/index.html")
    found = ARTICLE.search(front.text)
    _expect(found is not None, "the newsroom's front page leads to an article")
    assert found is not None
    page = f"{demo.sample.newsroom_url}/{found.group(1)}"
    article = await visitor.get(page)
    _expect(f'action="{demo.base_url}/n/{sample.SLUG}"' in article.text, "the article page carries the form")
    answer = await visitor.post_form(
        f"{demo.base_url}/n/{sample.SLUG}",
        {"email": READER, "first_name": "Nora", "page": page, "website": ""},
        origin=demo.sample.newsroom_url,
    )
    _expect(answer.status == 200, f"signing up is answered with a page (got {answer.status})")
    _say(f"signed up {READER} from {page}")


async def _confirm(demo: Demo) -> None:
    message = await _received(demo, READER, 1)
    link = re.search(r"https?://\S+/confirm/\S+", _text(message, "plain"))
    _expect(link is not None, "the confirmation holds a link")
    assert link is not None
    _say("the message that asks for confirmation arrived")
    page = await visitor.get(link.group())
    _expect("<form" in page.text and page.status == 200, "the link opens a page with a button")
    done = await visitor.post_form(link.group(), {})
    _expect(done.status == 200, f"the button confirms (got {done.status})")
    _say("confirmed with the button of that page")


async def _send_by_api(demo: Demo) -> str:
    edition = await _new_edition(demo, {"automatic": True})
    await _post(demo, f"/editions/{edition}/send", {}, "started to send it by API")
    return edition


async def _send_by_schedule(demo: Demo, first: str) -> None:
    edition = await _new_edition(demo, {"document": _document("The second memo of the day")})
    _expect(edition != first, "a second edition is another one")
    at = demo.served.resources.clock.now() + timedelta(seconds=3)
    await _post(
        demo, f"/editions/{edition}/schedule", {"at": at.isoformat()}, "scheduled another, moments ahead"
    )


async def _leave(demo: Demo, message: EmailMessage) -> None:
    link = str(message["List-Unsubscribe"]).strip().strip("<>")
    looked = await visitor.get(link)
    _expect(looked.status == 200, "the unsubscribe link opens a page")
    left = await visitor.post_form(link, {"List-Unsubscribe": "One-Click"})
    _expect(left.status == 200, f"one click unsubscribes (got {left.status})")
    _say("unsubscribed with one click")


async def _send_without_them(demo: Demo) -> None:
    other = sample.READERS[0]
    before = len(await demo.served.resources.database.read(_caught, other))
    edition = await _new_edition(demo, {"document": _document("The third memo of the day")})
    await _post(demo, f"/editions/{edition}/send", {}, "sent one more edition")
    await _received(demo, other, before + 1)
    still = len(await demo.served.resources.database.read(_caught, READER))
    _expect(still == 3, f"who has left is left out (they have {still} messages)")
    _say(f"{other} got it, {READER} did not")


async def _new_edition(demo: Demo, how: dict[str, object]) -> str:
    values = {"newsletter": sample.SLUG, **how}
    answer = await visitor.post_json(
        f"{demo.base_url}/api/v1/editions", values, key=demo.sample.api_key, idempotency_key=uuid.uuid4().hex
    )
    _expect(answer.status == 201, f"the API makes an edition (got {answer.status}: {answer.text[:300]})")
    made = answer.json()
    _say(f"made an edition by API: “{made['subject']}”")
    return str(made["uid"])


async def _post(demo: Demo, path: str, values: dict[str, object], said: str) -> None:
    answer = await visitor.post_json(
        f"{demo.base_url}/api/v1{path}", values, key=demo.sample.api_key, idempotency_key=uuid.uuid4().hex
    )
    _expect(answer.status in {200, 202}, f"{path} is taken (got {answer.status}: {answer.text[:300]})")
    _say(said)


async def _received(demo: Demo, address: str, count: int) -> EmailMessage:
    """The message of that number to that address, once it is there."""
    deadline = asyncio.get_running_loop().time() + PATIENCE_SECONDS
    while asyncio.get_running_loop().time() < deadline:
        caught = await demo.served.resources.database.read(_caught, address)
        if len(caught) >= count:
            return email.message_from_bytes(caught[count - 1], policy=default)
        await asyncio.sleep(0.1)
    raise StepFailed(f"message {count} to {address} did not arrive within {PATIENCE_SECONDS} s")


def _caught(session: Session, address: str) -> list[bytes]:
    query = sa.select(col(CaughtMessage.raw)).where(col(CaughtMessage.rcpt_to) == address)
    return list(session.execute(query.order_by(col(CaughtMessage.id))).scalars())


def _text(message: EmailMessage, subtype: str) -> str:
    part = message.get_body((subtype,))
    return str(part.get_content()) if part is not None else ""


def _document(subject: str) -> dict[str, object]:
    return {
        "subject": subject,
        "preheader": "A short note from the desk.",
        "blocks": [
            {"kind": "masthead"},
            {"kind": "lead", "headline": subject, "body_markdown": "Good morning, {{first_name|reader}}."},
        ],
    }


def _expect(holds: bool, what: str) -> None:
    if not holds:
        raise StepFailed(what)


def _say(step: str) -> None:
    print(f"  ok  {step}", flush=True)
