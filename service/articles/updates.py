"""Late updates: added to an article after it was out, and marked in it by a heading, a box or the first words of a line."""

import re
from typing import Final

from lxml import html
from lxml.html import HtmlElement

from service.articles import elements, markdown
from service.articles.marking import Marks
from service.articles.pieces import LateUpdate

UPDATE: Final = re.compile(r"^(?:(?:late(?:st)?|breaking)\s+)?update[ds]?\b", re.IGNORECASE)
UPDATE_LINE: Final = re.compile(
    r"^((?:late(?:st)?\s+|breaking\s+)?update\b[^:.]{0,40}):\s+(?=\S)", re.IGNORECASE
)
MAX_HEADING: Final = 80


def mark(marks: Marks, document: HtmlElement) -> None:
    """After `marking.mark`, so that an update may hold quotes and documents."""
    for heading in elements.every(document, "h2", "h3", "h4", "h5", "h6"):
        if (
            not marks.is_full
            and elements.is_in_article(heading)
            and UPDATE.match(elements.text(heading)[:MAX_HEADING])
        ):
            _mark_headed_update(marks, heading)
    for box in elements.every(document, "section", "aside", "div"):
        named = {"update", "late-update", "lateupdate"} & elements.words(box)
        if named and not marks.is_full and elements.is_in_article(box) and elements.text(box):
            title = "Late update" if "late" in elements.words(box) or "lateupdate" in named else "Update"
            _put_update(marks, box, title, markdown.from_element(box))
    for line in elements.every(document, "p"):
        if not marks.is_full and elements.is_in_article(line):
            _mark_update_line(marks, line)


def _mark_headed_update(marks: Marks, heading: HtmlElement) -> None:
    title = elements.text(heading)
    box = elements.parent(heading)
    if box is None:
        return
    is_box = box.tag in ("section", "aside") or {"update", "late", "lateupdate"} & elements.words(box)
    if is_box and box.tag not in elements.CONTAINERS and heading is next(iter(box), None):
        elements.drop(heading)
        _put_update(marks, box, title, markdown.from_element(box))
        return
    body = html.Element("div")
    for after in list(heading.itersiblings()):
        if after.tag in ("h1", "h2", "h3", "h4", "h5", "h6")[: int(str(heading.tag)[1])]:
            break
        body.append(after)
    _put_update(marks, heading, title, markdown.from_element(body))


def _mark_update_line(marks: Marks, line: HtmlElement) -> None:
    bold = next(iter(line), None)
    is_led_in = (
        isinstance(bold, HtmlElement) and bold.tag in ("strong", "b") and not (line.text or "").strip()
    )
    if isinstance(bold, HtmlElement) and is_led_in and UPDATE.match(elements.text(bold)[:MAX_HEADING]):
        title = elements.text(bold)
        if len(title) <= MAX_HEADING and len(elements.text(line)) > len(title):
            elements.drop(bold)
            _put_update(marks, line, title, markdown.from_element(line))
    elif match := UPDATE_LINE.match(elements.text(line)):
        text = markdown.from_element(line)
        _put_update(marks, line, match.group(1), text.partition(":")[2])


def _put_update(marks: Marks, place: HtmlElement, title: str, text: str) -> None:
    heading = title.strip().rstrip(":—– ")
    heading = heading if heading.endswith(".m.") else heading.rstrip(".")
    text = text.strip().lstrip(":—– ").strip()
    if text:
        marks.put(place, f"### {markdown.one_line(heading)}\n\n{text}", LateUpdate(heading, text))
