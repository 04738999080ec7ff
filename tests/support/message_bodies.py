"""Rules for the parts of one message: how they are put together, encoded, written, and that they say the same."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from email.message import Message

from tests.support.message_sight import LINK, Leaf, Sight

HTML_LIMIT = 90 * 1024
STYLE_LIMIT = 16 * 1024
PREHEADER_LIMIT = 100
FILLER_LIMIT = 20
AGREEMENT = 0.8
ENCODED_LINE = 76
CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
BAD_QP = re.compile(r"=(?![0-9A-F]{2}|$)")
BASE64_LINE = re.compile(r"[A-Za-z0-9+/]*={0,2}")
BOUNDARY = re.compile(r"[A-Za-z0-9'()+_,\-./:=? ]{0,69}[A-Za-z0-9'()+_,\-./:=?]")
META_CHARSET = re.compile(r"<meta[^>]+charset\s*=\s*[\"']?\s*utf-8", re.IGNORECASE)
NOT_IN_MAIL = (
    "script",
    "form",
    "iframe",
    "object",
    "embed",
    "input",
    "button",
    "video",
    "audio",
    "link",
    "base",
)
WORD = re.compile(r"\w+")
# What a text part holds when a template for HTML made it.
TAG = re.compile(r"</?(?:p|div|table|tr|td|a|span|br|strong|em|h[1-6])(?:\s[^>]*)?/?>", re.IGNORECASE)


def m2_body_lines(sight: Sight) -> Iterator[str]:
    for leaf in sight.leaves:
        longest = max((len(line) for line in leaf.lines), default=0)
        if longest > ENCODED_LINE:
            yield f"M2: a line of {longest} in the {leaf.type} part"


def m10_alternative(sight: Sight) -> Iterator[str]:
    root = sight.message
    types = [part.get_content_type() for part in _parts(root)]
    if root.get_content_type() != "multipart/alternative":
        yield f"M10: the message is {root.get_content_type()}, wanted multipart/alternative"
        return
    if len(types) != 2 or types[0] != "text/plain" or types[1] not in ("text/html", "multipart/related"):
        yield f"M10: parts {types}, wanted text/plain first and text/html last"
    elif types[1] == "multipart/related" and _parts(_parts(root)[1])[0].get_content_type() != "text/html":
        yield "M10: multipart/related does not begin with text/html"
    cids = [str(part.get("Content-ID", "")).strip("<> ") for part in root.walk() if part.get("Content-ID")]
    used = re.findall(r"cid:([^\"'\s)]+)", sight.html)
    if sorted(cids) != sorted(set(used)):
        yield f"M10: parts with Content-ID {cids}, used {sorted(set(used))}"


def m10_boundaries(sight: Sight) -> Iterator[str]:
    lines = sight.body.decode("latin-1").split("\r\n")
    for part in sight.message.walk():
        if not part.is_multipart():
            continue
        boundary = part.get_boundary() or ""
        if BOUNDARY.fullmatch(boundary) is None:
            yield f"M10: no proper boundary: {boundary!r}"
            return
        begun = [line.rstrip() for line in lines if line.startswith(f"--{boundary}")]
        wanted = [f"--{boundary}"] * len(_parts(part)) + [f"--{boundary}--"]
        if begun != wanted:
            yield "M10: the boundary turns up where no part begins, or is not closed"
        if (part.preamble or "").strip() or (part.epilogue or "").strip():
            yield "M10: text outside the parts"


def m11_charset(sight: Sight) -> Iterator[str]:
    for leaf in sight.leaves:
        if not leaf.type.startswith("text/"):
            continue
        if leaf.charset != "utf-8":
            yield f"M11: charset {leaf.charset!r} in the {leaf.type} part"
        if leaf.text is None:
            yield f"M11: the {leaf.type} part does not decode to UTF-8"
        elif CONTROLS.search(leaf.text):
            yield f"M11: control characters in the {leaf.type} part"
        elif not unicodedata.is_normalized("NFC", leaf.text):
            yield f"M11: the {leaf.type} part is not in form NFC"
    if sight.html and not META_CHARSET.search(sight.html):
        yield "M11: the page has no meta charset utf-8"


def m12_seven_bit(sight: Sight) -> Iterator[str]:
    if not sight.body.isascii():
        yield "M12: octets beyond 7 bits in the body"
    for leaf in sight.leaves:
        if leaf.encoding not in ("7bit", "quoted-printable", "base64"):
            yield f"M12: transfer encoding {leaf.encoding!r}"


def m14_transfer(sight: Sight) -> Iterator[str]:
    for leaf in sight.leaves:
        if leaf.encoding == "base64":
            yield from _base64_faults(leaf)
            continue
        if any(line.startswith(".") for line in leaf.lines):
            yield f"M14: a line of the {leaf.type} part begins with a dot"
        if any(line.startswith("From ") for line in leaf.lines):
            yield f"M14: a line of the {leaf.type} part begins with 'From '"
        if leaf.encoding == "quoted-printable":
            yield from _quoted_faults(leaf)


def m14_links(sight: Sight) -> Iterator[str]:
    for link in sight.html_links:
        if not re.match(r"(https?://[^\s]+|mailto:[^\s]+|#\S*)$", link):
            yield f"M14: a link that goes nowhere from a mailbox: {link[:80]!r}"


def m15_size(sight: Sight) -> Iterator[str]:
    if (size := len(sight.html.encode())) > HTML_LIMIT:
        yield f"M15: {size} octets of HTML; Gmail clips near 102 KB"
    if sum(len(style.text or "") for style in sight.elements("style")) > STYLE_LIMIT:
        yield "M15: more than 16 KB of <style>"


def m19_preheader(sight: Sight) -> Iterator[str]:
    hidden = "".join(sight.hidden_text)
    said = " ".join("".join(c for c in hidden if not _is_filler(c)).split())
    if sum(_is_filler(character) for character in hidden) > FILLER_LIMIT:
        yield "M19: hidden text padded with invisible characters"
    if len(said) > PREHEADER_LIMIT:
        yield f"M19: {len(said)} characters of hidden text"
    if said and _share(WORD.findall(said.casefold()), _page_words(sight.visible_text)) < AGREEMENT:
        yield "M19: the hidden preheader is not repeated where people can see it"


def page_is_accessible(sight: Sight) -> Iterator[str]:
    root = sight.page
    if not root.get("lang") or root.get("dir") not in ("ltr", "rtl"):
        yield "H1: <html> lacks lang, or dir=ltr|rtl"
    if (count := len(sight.elements("h1"))) != 1:
        yield f"H2: {count} h1, wanted one"
    if not any((title.text or "").strip() for title in sight.elements("title")):
        yield "H3: no <title>"


def layout_is_accessible(sight: Sight) -> Iterator[str]:
    for table in sight.elements("table"):
        if table.get("role") != "presentation" and not list(table.iter("th")):
            yield 'H4: a layout table without role="presentation"'
    for image in sight.elements("img"):
        if image.get("alt") is None:
            yield f"H5: no alt on {image.get('src')!r}"
        if not re.match(r"https?://|cid:", image.get("src") or ""):
            yield f"H6: a picture that no mailbox can load: {(image.get('src') or '')[:60]!r}"


def page_is_inert(sight: Sight) -> Iterator[str]:
    for element in sight.elements(*NOT_IN_MAIL):
        yield f"H7: <{element.tag}> has no place in mail"
    for element in sight.page.iter():
        if isinstance(element.tag, str) and any(
            str(name).lower().startswith("on") for name in element.attrib
        ):
            yield f"H8: a script handler on <{element.tag}>"


def parts_agree(sight: Sight) -> Iterator[str]:
    if not sight.plain.strip():
        yield "A1: the text part is empty"
        return
    if TAG.search(sight.plain):
        yield "A2: tags in the text part"
    alts = [image.get("alt") or "" for image in sight.elements("img")]
    words = _page_words([*sight.visible_text, *sight.hidden_text, *alts])
    share = _share(WORD.findall(LINK.sub(" ", sight.plain).casefold()), words)
    if share < AGREEMENT:
        yield f"A3: only {share:.0%} of the words of the text part are on the page"


def b8_unsubscribe_in_sight(sight: Sight) -> Iterator[str]:
    roots = tuple(f"{sight.public_url.rstrip('/')}/{page}/" for page in ("unsubscribe", "preferences"))
    if not any(link.startswith(roots) and text for link, text in sight.visible_links.items()):
        yield "B8: no visible link to unsubscribe on the page"
    if not any(link.startswith(roots) for link in LINK.findall(sight.plain)):
        yield "B8: no link to unsubscribe in the text part"


ANY = (
    m2_body_lines, m10_alternative, m10_boundaries, m11_charset, m12_seven_bit, m14_transfer, m14_links, m15_size,
    m19_preheader, page_is_accessible, layout_is_accessible, page_is_inert, parts_agree,
)  # fmt: skip
EDITION = (b8_unsubscribe_in_sight,)


def _parts(message: Message) -> list[Message]:
    payload = message.get_payload()
    return [part for part in payload if isinstance(part, Message)] if isinstance(payload, list) else []


def _base64_faults(leaf: Leaf) -> Iterator[str]:
    if leaf.decoded is None or not all(BASE64_LINE.fullmatch(line) for line in leaf.lines):
        yield f"M14: no proper base64 in the {leaf.type} part"


def _quoted_faults(leaf: Leaf) -> Iterator[str]:
    if any(line.endswith((" ", "\t")) for line in leaf.lines):
        yield f"M14: a blank at the end of a line of the {leaf.type} part"
    if any(BAD_QP.search(line) for line in leaf.lines):
        yield f"M14: an '=' that begins no octet in the {leaf.type} part"
    if leaf.encoded.endswith("="):
        yield f"M14: the {leaf.type} part ends in a soft break"


def _is_filler(character: str) -> bool:
    # A combining grapheme joiner, soft hyphens, zero-width and direction marks, and odd blanks.
    return (
        character == "\u034f"
        or unicodedata.category(character) == "Cf"
        or character in "\u00a0\u2007\u3164\u2800"
    )


def _page_words(texts: Iterable[str]) -> str:
    """All words twice, cut where elements end and run together there, so that a word half in bold is found."""
    kept = [text.casefold() for text in texts]
    runs = (" ".join(kept), "".join(kept))
    return " " + " ".join(" ".join(WORD.findall(run)) for run in runs) + " " + re.sub(r"\W+", "", runs[1])


def _share(words: list[str], page: str) -> float:
    """How many of these words are on the page. Scripts without blanks break lines inside "words": they match anywhere."""
    if not words:
        return 1.0
    known = set(page.split())
    found = sum(word in known or (not word.isascii() and word in page) for word in words)
    return found / len(words)
