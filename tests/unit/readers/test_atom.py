"""Whatever an edition is called and holds, its feed stays XML and says the same."""

from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from lxml import etree

from service.public import atom
from service.public.atom import AtomFeed, FeedEntry

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
ATOM = "{http://www.w3.org/2005/Atom}"
HELD = {"ETag": 'W/"abc"', "Last-Modified": "Mon, 02 Mar 2026 12:00:00 GMT"}


def _feed(text: str) -> AtomFeed:
    entry = FeedEntry("urn:x", "https://example.org/?a&b", text, text, text, NOON, NOON)
    return AtomFeed(
        "urn:y", "https://example.org/f", "https://example.org/", text, text, text, "en", NOON, (entry,)
    )


def _allowed(text: str) -> str:
    """XML 1.0 §2.2, character by character; a reader of XML ends every line with one line feed (§2.11)."""
    kept = "".join(
        one
        for one in text
        if one in "\t\n\r" or " " <= one <= "\ud7ff" or "\ue000" <= one <= "\ufffd" or one >= "\U00010000"
    )
    return kept.replace("\r\n", "\n").replace("\r", "\n")


@given(st.text(st.characters(codec=None), max_size=60))
@example("]]></content></entry><script>&nbsp;&#0;<!-- \x00\x0b\ufffe\ud800 {{ x }} {% y %}")
def test_no_text_breaks_the_feed(text: str) -> None:
    read = etree.fromstring(atom.document(_feed(text)))
    entry = read.find(f"{ATOM}entry")
    assert entry is not None and len(read) == 9 - (not text)
    for found in (
        read.findtext(f"{ATOM}title"),
        entry.findtext(f"{ATOM}title"),
        entry.findtext(f"{ATOM}content"),
    ):
        assert found == _allowed(text)


@pytest.mark.parametrize(
    ("asked", "is_known"),
    [
        ({}, False),
        ({"if-none-match": '"abc"'}, True),
        ({"if-none-match": '"x", W/"abc"'}, True),
        ({"if-none-match": "*"}, True),
        ({"if-none-match": '"x"', "if-modified-since": HELD["Last-Modified"]}, False),
        ({"if-modified-since": "Mon, 02 Mar 2026 11:59:59 GMT"}, False),
        ({"if-modified-since": "Mon, 02 Mar 2026 12:00:01 -0000"}, True),
        ({"if-modified-since": "\u0661 99 Foo 99999 99:99"}, False),
    ],
)
def test_what_is_known_is_not_sent_again(asked: dict[str, str], is_known: bool) -> None:
    assert atom.is_known(asked, HELD) is is_known
