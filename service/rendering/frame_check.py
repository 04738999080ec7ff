"""Whether a page drawn in a newsletter's own template is fit to be sent: what has to be seen is there, and nothing active is."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser

_VOID = {
    "area",
    "base",
    "br",
    "col",
    "embed",
    "hr",
    "img",
    "input",
    "link",
    "meta",
    "param",
    "source",
    "track",
    "wbr",
}
_ACTIVE = {
    "applet", "audio", "base", "button", "embed", "form", "frame", "iframe", "input", "link", "math", "object", "script", "select",
    "source", "svg", "template", "textarea", "video",
}  # fmt: skip
_HIDING = re.compile(
    r"(?:^|;)\s*(?:display\s*:\s*none|visibility\s*:\s*hidden|opacity\s*:\s*0(?:\.0*)?\s*(?:;|!|$)|font-size\s*:\s*[0-7](?:\.\d+)?px|"
    r"(?:max-)?(?:height|width)\s*:\s*0|text-indent\s*:\s*-|position\s*:\s*(?:absolute|fixed))",
    re.IGNORECASE,
)
_SCHEME = re.compile(r"\s*(?:javascript|vbscript|data)\s*:", re.IGNORECASE)
_FETCHING = re.compile(r"@import|expression\s*\(|behavior\s*:", re.IGNORECASE)


def faults(html: str, unsubscribe_url: str, postal_address: str) -> Iterator[str]:
    """Each as a sentence that says what to do. `html` with its styles in place, so that hidden text is known."""
    page = _Page(unsubscribe_url)
    page.feed(html)
    page.close()
    yield from dict.fromkeys(page.faults)
    seen = " ".join("".join(page.seen).split())
    if not page.has_way_out:
        yield "The link to unsubscribe has to be seen: give it words, and hide nothing around it."
    if any(line.strip() and " ".join(line.split()) not in seen for line in postal_address.splitlines()):
        yield "The postal address has to be seen: hide nothing around it."
    if not page.language:
        yield "Say the language: put lang and {{ language }} into the tag html."
    if not page.direction:
        yield "Say the direction: put dir and {{ direction }} into the tag html."
    if page.headings != 1:
        yield f"A page has one h1, here are {page.headings}: put {{{{ name }}}} into one."


class _Page(HTMLParser):
    def __init__(self, way_out: str) -> None:
        super().__init__(convert_charrefs=True)
        self._way_out = way_out
        self._open: list[
            tuple[str, bool, bool]
        ] = []  # tag, whether it hides, whether it is the link to leave
        self.faults: list[str] = []
        self.seen: list[str] = []
        self.has_way_out = False
        self.language = self.direction = ""
        self.headings = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.faults += _faults_of(tag, given)
        if tag == "html":
            self.language, self.direction = given.get("lang", ""), given.get("dir", "")
        self.headings += tag == "h1"
        if tag == "br":
            self.seen.append(" ")
        if tag not in _VOID:
            hides = "hidden" in given or _HIDING.search(given.get("style", "")) is not None
            self._open.append((tag, hides, tag == "a" and given.get("href") == self._way_out))

    def handle_endtag(self, tag: str) -> None:
        for at in range(len(self._open) - 1, -1, -1):
            if self._open[at][0] == tag:
                del self._open[at:]
                return

    def handle_data(self, data: str) -> None:
        within = {tag for tag, _, _ in self._open}
        if "style" in within and _FETCHING.search(data):
            self.faults.append("Styles fetch nothing here: take @import and the like out.")
        if within & {"style", "title", "head"} or any(hides for _, hides, _ in self._open):
            return
        self.seen.append(data)
        if data.strip() and any(is_way_out for _, _, is_way_out in self._open):
            self.has_way_out = True


def _faults_of(tag: str, given: dict[str, str]) -> Iterator[str]:
    if tag in _ACTIVE:
        yield f"Mail programs run or drop {tag}: take it out."
    if tag == "meta" and given.get("http-equiv", "").lower() == "refresh":
        yield "A page of mail leads nowhere by itself: take the refresh out."
    if any(name.startswith("on") for name in given):
        yield "Scripts do not run in mail: take attributes such as onclick out."
    if any(_SCHEME.match(given.get(name, "")) for name in ("href", "src", "background")):
        yield "Links and pictures have web addresses: take javascript: and data: out."
    if _FETCHING.search(given.get("style", "")):
        yield "Styles fetch nothing here: take @import and the like out."
    if tag == "table" and given.get("role") != "presentation":
        yield "Say that a table is layout: give it the role presentation."
    if tag == "img" and "alt" not in given:
        yield "Say what a picture shows: give it an alt, an empty one if it is decoration."
