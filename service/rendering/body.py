"""An edition's content, rendered once: to the parts of a message with holes, and to its page on the web."""

import hashlib
import html
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from markupsafe import Markup

from service.rendering import (
    characters,
    direction,
    environment,
    fitting,
    frame_check,
    framed,
    headers,
    inlining,
    links,
    markdown,
    pictures,
    plaintext,
)
from service.rendering.blocks import Document, Masthead
from service.rendering.content import EditionContent, NewsletterFacts
from service.rendering.fields import Hole, Marks
from service.rendering.frames import FrameInvalid
from service.rendering.pictures import Known, Shown
from service.rendering.rendition import Part, Rendition, part
from service.rendering.themes import Theme

if TYPE_CHECKING:
    from service.languages.speaking import Words

_SPACE_AROUND_LINES = re.compile(r"[ \t]*\n[ \t\n]*")
_MANY_BLANK_LINES = re.compile(r"\n{3,}")
SOMEBODY = "reader@example.org"  # whose mail is shown where nobody in particular is meant


@dataclass(frozen=True)
class _Page:
    """What one rendering of one content works with."""

    content: EditionContent
    templates: Path
    marks: Marks
    # The last one: a document that fits has just been drawn, to see whether it does.
    drawn: list[tuple[Document, bool, str]] = field(default_factory=list)
    # Why the newsletter's own template was left aside, if it was.
    problems: list[FrameInvalid] = field(default_factory=list)

    def values(self, document: Document, *, is_cut_short: bool) -> dict[str, object]:
        from service.languages import speaking

        facts = self.content.newsletter
        words = speaking.of(facts.language)
        return {
            "newsletter": facts,
            "name": characters.single_line(facts.name),
            "document": document,
            "title": document.subject,
            "variant": next((b.variant for b in document.blocks if isinstance(b, Masthead)), "daily"),
            "blocks": [block for block in document.blocks if not isinstance(block, Masthead)],
            "date": words.date(self.content.date),
            "minutes": words.count("{n}-minute read", "{n}-minute read", self.content.reading_minutes),
            "web_url": self.content.web_url,
            "unsubscribe_url": self.marks.own("unsubscribe_url", "link"),
            "preferences_url": self.marks.own("preferences_url", "link"),
            "address": self.marks.own("address", "text"),
            "is_cut_short": is_cut_short,
            "forwarded": f"{characters.single_line(facts.name)}, {words.date(self.content.date)}",
            **spoken(words),
            **surroundings(self.marks, facts.language, facts.direction, facts.accent, facts.theme),
            **_illustrated(self.marks, facts.theme, self.content.pictures),
        }

    def html(self, document: Document, *, is_cut_short: bool) -> str:
        for known, was_cut_short, text in self.drawn:
            if known is document and was_cut_short == is_cut_short:
                return text
        text = inlining.inline(tidy_html(self._drawn(self.values(document, is_cut_short=is_cut_short))))
        self.drawn[:] = [(document, is_cut_short, text)]
        return text

    def _drawn(self, values: dict[str, object]) -> str:
        own = self.content.newsletter.template
        if own and not self.problems:
            try:
                return framed.page(own, values, self.templates)
            except FrameInvalid as error:
                self.problems.append(error)
        return environment.of(self.templates).get_template("edition/body.html").render(values)

    def text(self, document: Document, *, is_cut_short: bool) -> str:
        template = environment.of(self.templates).get_template("edition/body.txt")
        return tidy_text(template.render(self.values(document, is_cut_short=is_cut_short)))


def render(content: EditionContent, templates: Path, *, subject_prefix: str = "") -> Rendition:
    """Render a version to the bytes that all its messages share. Nothing is fetched; the same content gives the same bytes."""
    page = _page(content, templates)
    marked = page.marks.document(content.document)
    fits = _fits(page)
    document, is_cut_short = fitting.fitted(marked, content.web_url, fits)
    html_text = page.html(document, is_cut_short=is_cut_short)
    text = page.text(document, is_cut_short=is_cut_short)
    subject = environment.of(templates).get_template("edition/subject.txt").render(subject=marked.subject)
    boundary = f"=_memo_{hashlib.sha256((subject + html_text + text).encode()).hexdigest()[:32]}"
    return Rendition(
        boundary=boundary,
        sender=headers.mailbox(
            "From", characters.single_line(content.newsletter.from_name), content.newsletter.from_address
        ),
        subject=page.marks.split(subject_prefix + characters.single_line(subject)),
        fixed=_fixed(content.newsletter, boundary),
        parts=_parts(page, html_text, text),
        direction=content.newsletter.direction,
        html_octets=len(html_text.encode()),
        was_cut=document is not marked,
    )


def web_page(content: EditionContent, templates: Path) -> str:
    """The same blocks for the edition's page on the web: no reader in it, no unsubscribe link, classes instead of styles.

    The masthead is left to the page around it, which owns the h1; `web_styles` has the rules for the classes.
    """
    page = _page(content, templates)
    template = environment.of(templates).get_template("_web.html")
    rendered = template.render(page.values(page.marks.document(content.document), is_cut_short=False))
    return page.marks.filled(tidy_html(rendered), _for_nobody)


def check_own_template(content: EditionContent, templates: Path) -> None:
    """Raises FrameInvalid if this edition cannot be sent in the newsletter's own template, with what to do about it."""
    page = _page(content, templates)
    made = page.html(page.marks.document(content.document), is_cut_short=False)
    for problem in page.problems:
        raise problem
    unsubscribe = page.marks.own("unsubscribe_url", "link")
    for fault in frame_check.faults(made, unsubscribe, content.newsletter.postal_address):
        raise FrameInvalid(fault)


def own_template_problem(content: EditionContent, templates: Path) -> str | None:
    """Why an edition is drawn in our template although the newsletter has one of its own."""
    if not content.newsletter.template:
        return None
    page = _page(content, templates)
    page.html(page.marks.document(content.document), is_cut_short=False)
    return next((problem.message for problem in page.problems), None)


def page_without_reader(content: EditionContent, templates: Path) -> str:
    """The HTML part as it is for nobody in particular: fields show what stands for them, links to one reader's pages lead nowhere."""
    page = _page(content, templates)
    made = page.html(page.marks.document(content.document), is_cut_short=False)

    def shown(hole: Hole) -> str:
        if hole.place == "link":
            return "#"
        return SOMEBODY if hole.field == "address" else _for_nobody(hole) or "…"

    return page.marks.filled(made, shown)


def _for_nobody(hole: Hole) -> str:
    return html.escape(quote(hole.default, safe="") if hole.place == "url" else hole.default)


def web_styles(content: EditionContent, templates: Path) -> str:
    """The style sheet that belongs to `web_page`, for a `<style>` of the page around it."""
    facts = content.newsletter
    values = surroundings(Marks("0" * 12), facts.language, facts.direction, facts.accent, facts.theme)
    sheets = [
        environment.of(templates).get_template(name).render(values) for name in ("_style.css", "_night.css")
    ]
    return tidy_html("\n".join(sheets))


def spoken(words: "Words") -> dict[str, object]:
    """What a template says our own texts with."""
    return {"words": words, "_": words.say, "ngettext": words.count}


def surroundings(marks: Marks, language: str, way: str, accent: str, theme: Theme) -> dict[str, object]:
    """What every template of ours may use besides its own values."""

    def direction_of(text: str, of: str | None = None) -> str:
        found = direction.of_language(of) if of else direction.of_text(marks.without(text))
        return way if found == "auto" else found

    def html_of(source: str) -> Markup:
        return markdown.to_html(source, marks)

    def text_of(source: str) -> str:
        return plaintext.of_markdown(source, marks)

    def wrap(text: str, mark: str = "") -> str:
        return plaintext.wrapped(text, marks, first=mark, rest=" " * len(mark))

    def attribute(text: str) -> str:
        return marks.moved(text, "attribute")

    return {
        "language": language,
        "direction": "rtl" if way == "rtl" else "ltr",
        "accent": theme.accents(accent),
        "theme": theme,
        "html_of": html_of,
        "text_of": text_of,
        "wrap": wrap,
        "attribute": attribute,
        "direction_of": direction_of,
        "host_of": links.host_of,
        "link_to": links.as_link,
        "picture_width": theme.column,
    }


def _illustrated(marks: Marks, theme: Theme, known: Known) -> dict[str, object]:
    """How pictures are shown: ours where we have them, in the room they take."""

    def shown(
        url: str, width: int | None = None, height: int | None = None, column: int = theme.column
    ) -> Shown:
        given = Shown(url, width or column, height if width else None)
        return pictures.fitted(known.get(url, given), column)

    def sized(url: str) -> dict[str, str]:
        found = shown(url)
        room = {"height": str(found.height), "style": f"max-width:{found.width}px"} if found.height else {}
        return {"src": found.url, "width": str(found.width), **room}

    def html_of(source: str) -> Markup:
        return markdown.to_html(source, marks, sized)

    return {"shown": shown, "html_of": html_of}


def tidy_html(rendered: str) -> str:
    """Indentation is for people who read templates; it is not sent a million times."""
    return _SPACE_AROUND_LINES.sub("\n", rendered).strip("\n") + "\n"


def tidy_text(rendered: str) -> str:
    lines = "\n".join(line.rstrip(" \t") for line in rendered.split("\n"))
    return _MANY_BLANK_LINES.sub("\n\n", lines).strip("\n") + "\n"


def _page(content: EditionContent, templates: Path) -> _Page:
    facts = content.newsletter
    seed = content.document.canonical_json() + facts.reason + facts.postal_address + facts.template
    return _Page(content, templates, Marks(hashlib.sha256(seed.encode()).hexdigest()))


def _fits(page: _Page) -> Callable[[Document, bool], bool]:
    def fits(document: Document, is_cut_short: bool) -> bool:
        text = page.html(document, is_cut_short=is_cut_short)
        octets = len(text.encode())
        if octets > fitting.QUOTED_OCTETS:
            return False
        return octets <= fitting.BASE64_OCTETS or _html_part(page, text).encoding == "quoted-printable"

    return fits


def _parts(page: _Page, html_text: str, text: str) -> tuple[Part, Part]:
    isolating = page.content.newsletter.direction == "rtl" or direction.has_right_to_left(text)
    return part("plain", page.marks.split(text), is_isolating=isolating), _html_part(page, html_text)


def _html_part(page: _Page, html_text: str) -> Part:
    return part("html", page.marks.split(html_text), is_isolating=True)


def _fixed(facts: NewsletterFacts, boundary: str) -> bytes:
    name = characters.single_line(facts.name)
    return b"".join(
        [
            headers.mailbox("Reply-To", "", facts.reply_to) if facts.reply_to else b"",
            headers.list_id(name, facts.list_id),
            headers.plain("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
            headers.plain("MIME-Version", "1.0"),
            f'Content-Type: multipart/alternative;\r\n boundary="{boundary}"\r\n\r\n'.encode("ascii"),
        ]
    )
