"""Notices: messages that are no edition (a confirmation, an alarm), each from one triplet of templates, finished at once."""

import datetime
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from jinja2 import TemplateNotFound, UndefinedError

from service.errors import Invalid, NotFound
from service.rendering import (
    body,
    characters,
    environment,
    headers,
    inlining,
    links,
    themes,
    transfer,
)
from service.rendering.fields import Marks
from service.rendering.rendition import part
from service.rendering.themes import Theme


class NoticeUnknown(NotFound):
    """There is no notice of this name: it needs subject.txt, body.html and body.txt in a folder of `templates/email`."""


class NoticeIncomplete(Invalid):
    """This notice needs a value that was not given."""


@dataclass(frozen=True)
class NoticeFacts:
    """Who a notice comes from and goes to; `message_id` with its angle brackets."""

    to_address: str
    to_name: str | None
    from_name: str
    from_address: str
    reply_to: str | None
    message_id: str
    date: datetime.datetime
    language: str
    direction: str
    accent: str
    postal_address: str
    public_url: str
    theme: Theme = themes.USUAL


def render(name: str, values: Mapping[str, str], facts: NoticeFacts, templates: Path) -> bytes:
    """Build a finished notice. Values are text, never templates; those named `…_url` must be web addresses."""
    from service.languages import speaking

    cleaned = {key: _cleaned(key, value) for key, value in values.items()}
    marks = Marks(hashlib.sha256(repr(sorted(cleaned.items())).encode()).hexdigest())
    shared = {
        **body.surroundings(marks, facts.language, facts.direction, facts.accent, facts.theme),
        "facts": facts,
        "from_name": characters.single_line(facts.from_name),
        **body.spoken(speaking.of(facts.language)),
        "v": cleaned,
    }
    try:
        stationery = environment.of(templates)
        subject = characters.single_line(stationery.get_template(f"{name}/subject.txt").render(shared))
        text = body.tidy_text(stationery.get_template(f"{name}/body.txt").render(shared))
        html = inlining.inline(
            body.tidy_html(stationery.get_template(f"{name}/body.html").render({**shared, "title": subject}))
        )
    except TemplateNotFound as error:
        raise NoticeUnknown from error
    except UndefinedError as error:
        raise NoticeIncomplete(
            f"The notice {name!r} needs a value that was not given: {error.message}"
        ) from error
    return _message(facts, subject, text, html)


def _cleaned(name: str, value: str) -> str:
    if not name.endswith("_url"):
        return characters.paragraphs(value)
    if not links.is_web(value):
        raise NoticeIncomplete(f"{name} must be a full web address.", field=name)
    return value


def _message(facts: NoticeFacts, subject: str, text: str, html: str) -> bytes:
    boundary = (
        f"=_memo_{hashlib.sha256((facts.message_id + subject + text + html).encode()).hexdigest()[:32]}"
    )
    pieces = [
        headers.mailbox("From", characters.single_line(facts.from_name), facts.from_address),
        headers.mailbox("To", characters.single_line(facts.to_name or ""), facts.to_address),
        headers.unstructured("Subject", subject),
        headers.date(facts.date),
        headers.message_id(facts.message_id),
        headers.mailbox("Reply-To", "", facts.reply_to) if facts.reply_to else b"",
        # RFC 3834 §5: programs that answer by themselves leave this message alone.
        headers.plain("Auto-Submitted", "auto-generated"),
        headers.plain("MIME-Version", "1.0"),
        f'Content-Type: multipart/alternative;\r\n boundary="{boundary}"\r\n\r\n'.encode("ascii"),
    ]
    delimiter = f"--{boundary}".encode("ascii")
    for one in (part("plain", (text,), is_isolating=False), part("html", (html,), is_isolating=False)):
        run = one.pieces[0]
        assert isinstance(run, bytes)
        encoded = run if one.encoding == "quoted-printable" else transfer.base64_lines(run)
        pieces += [delimiter, b"\r\n", one.head, encoded, b"\r\n"]
    return b"".join([*pieces, delimiter, b"--\r\n"])
