"""Our signer, judged by another program's verifier."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from dkim.canonicalization import Relaxed
from hypothesis import given, settings
from hypothesis import strategies as st

from service.delivery import dkim
from service.rendering import body, notices
from service.rendering.blocks import Document, Item, Note
from service.rendering.content import EditionContent
from service.rendering.personal import CannotSplice, splice
from tests.support.dkim_check import new_key, signed_fields, tags_of, verifies, zone_of
from tests.unit.rendering import samples

KEY = new_key("news.example.org", "memo1")
OTHER = new_key("news.example.org", "memo2")
ZONE = zone_of(KEY, OTHER)
AT = datetime(2026, 11, 25, 6, 0, 1, 999_999, tzinfo=UTC)
RENDITION = body.render(samples.CONTENT, samples.TEMPLATES)
FACTS = samples.ENVELOPE._replace(feedback_id="12:memo:edition:harborledger")
MESSAGE = splice(RENDITION, FACTS, samples.PERSONAL)
SIGNED = dkim.sign(MESSAGE, KEY, at=AT)
PRESENT = [
    "From", "Reply-To", "Subject", "Date", "To", "Message-ID", "MIME-Version", "Content-Type",
    "List-Id", "List-Unsubscribe", "List-Unsubscribe-Post", "Feedback-ID",
]  # fmt: skip
ONCE_MORE = [
    "From", "Reply-To", "Subject", "Date", "To", "Cc", "Message-ID", "Content-Type",
    "List-Unsubscribe", "List-Unsubscribe-Post",
]  # fmt: skip

blanks = st.text(" \t", max_size=3).map(str.encode)
visible = st.text("ab.:=;-<>@", max_size=6).map(str.encode)
lines = st.lists(st.tuples(blanks, visible, blanks, visible, blanks).map(b"".join), max_size=8)
bodies = lines.map(lambda found: b"".join(line + b"\r\n" for line in found))


def test_it_holds_and_says_what_was_decided() -> None:
    assert verifies(SIGNED, ZONE)
    tags = tags_of(SIGNED)
    del tags["b"], tags["bh"], tags["h"]
    assert tags == {
        "v": "1", "a": "rsa-sha256", "c": "relaxed/relaxed", "d": "news.example.org", "s": "memo1", "t": "1795586401",
    }  # fmt: skip


def test_nb_52_every_field_that_matters_is_covered_and_most_once_more_than_they_occur() -> None:
    expected = PRESENT + ONCE_MORE
    assert sorted(signed_fields(SIGNED)) == sorted(name.lower() for name in expected)
    assert not {"return-path", "received", "bcc"} & set(signed_fields(SIGNED))


def test_the_message_itself_is_left_as_it_is() -> None:
    assert SIGNED.endswith(b"\r\n" + MESSAGE)
    own = SIGNED.removesuffix(MESSAGE)
    assert own.count(b"\n") == own.count(b"\r\n")
    assert max(map(len, own.split(b"\r\n"))) <= 78
    assert own.isascii()


def test_again_means_the_same_bytes_and_another_second_other_ones() -> None:
    assert dkim.sign(MESSAGE, KEY, at=AT) == SIGNED
    assert dkim.sign(MESSAGE, KEY, at=AT - timedelta(microseconds=999_999)) == SIGNED
    assert dkim.sign(MESSAGE, KEY, at=AT + timedelta(seconds=1)) != SIGNED


def test_what_is_kept_from_one_message_does_no_harm_to_the_next() -> None:
    """Readers, subjects and keys in turn, with what is remembered of fields and layouts in between."""
    for number in range(40):
        facts = FACTS._replace(
            message_id=f"<{number}@news.example.org>", feedback_id=[None, "a:b:c:ledger"][number % 2]
        )
        personal = samples.PERSONAL._replace(
            address=f"r{number}@example.net", fields={"first_name": "ÄB"[: number % 3]}
        )
        key = (KEY, OTHER)[number % 3 == 0]
        signed = dkim.sign(splice(RENDITION, facts, personal), key, at=AT)
        assert verifies(signed, ZONE)
        assert tags_of(signed)["s"] == key.selector


@pytest.mark.parametrize("name", PRESENT)
def test_a_covered_field_cannot_be_altered(name: str) -> None:
    pattern = re.compile(rb"(\r\n" + name.encode() + rb": *)([^\r])", re.IGNORECASE)
    altered, found = pattern.subn(lambda hit: hit[1] + (b"X" if hit[2] != b"X" else b"Y"), SIGNED, count=1)
    assert found == 1
    assert not verifies(altered, ZONE)


@pytest.mark.parametrize("name", PRESENT)
def test_a_covered_field_cannot_be_taken_away(name: str) -> None:
    pattern = re.compile(rb"\r\n" + name.encode() + rb":[^\r]*(\r\n[ \t][^\r]*)*", re.IGNORECASE)
    without, found = pattern.subn(b"", SIGNED, count=1)
    assert found == 1
    assert not verifies(without, ZONE)


@pytest.mark.parametrize("name", ONCE_MORE)
@pytest.mark.parametrize("where", ["above", "below"])
def test_a_second_one_cannot_be_added(name: str, where: str) -> None:
    second = name.encode() + b": somebody@example.com\r\n"
    head, _, rest = SIGNED.partition(b"\r\n\r\n")
    added = second + SIGNED if where == "above" else head + b"\r\n" + second + b"\r\n" + rest
    assert not verifies(added, ZONE)


def test_hops_may_add_what_hops_add() -> None:
    assert verifies(b"Received: from a by b; Wed, 25 Nov 2026 06:00:02 +0000\r\n" + SIGNED, ZONE)


def test_hops_may_fold_and_squeeze_but_not_change_a_word() -> None:
    assert verifies(SIGNED.replace(b"\r\nSubject: Good ", b"\r\nSUBJECT:\r\n\tGood   "), ZONE)
    assert verifies(SIGNED + b"\r\n \r\n", ZONE)
    assert not verifies(SIGNED + b"x\r\n", ZONE)
    assert not verifies(SIGNED.replace(b"ferry", b"fairy"), ZONE)


def test_the_key_of_another_selector_is_another_key() -> None:
    assert not verifies(SIGNED, {"memo1._domainkey.news.example.org": zone_of(OTHER).popitem()[1]})


def test_fields_that_occur_more_than_once_are_covered_from_below() -> None:
    twice = b"List-Help: <https://a.example.org>\r\nList-Help: <https://b.example.org>\r\n" + MESSAGE
    signed = dkim.sign(twice, KEY, at=AT)
    assert signed_fields(signed).count("list-help") == 2
    assert verifies(signed, ZONE)
    assert not verifies(signed.replace(b"https://a.", b"https://c."), ZONE)


@pytest.mark.parametrize("language", ["de", "ja", "ar", "he", "fa"])
def test_it_holds_in_every_language_and_encoding(language: str) -> None:
    rendition = body.render(samples.in_language(language), samples.TEMPLATES)
    signed = dkim.sign(splice(rendition, FACTS, samples.named_reader("Zoë  Ω")), KEY, at=AT)
    assert verifies(signed, ZONE)


def test_a_notice_is_signed_like_an_edition() -> None:
    values = {
        "newsletter": "Morning Memo",
        "first_name": "",
        "confirm_url": "https://news.example.org/confirm/x",
    }
    facts = replace(samples.NOTICE, from_address="hello@news.example.org")
    signed = dkim.sign(notices.render("confirm", values, facts, samples.TEMPLATES), KEY, at=AT)
    assert verifies(signed, ZONE)


def test_a_message_without_a_blank_line_is_no_message() -> None:
    with pytest.raises(ValueError, match="subsection not found"):
        dkim.sign(b"From: a@example.org\r\n", KEY, at=AT)


@given(bodies)
def test_bodies_are_relaxed_as_others_do_it(found: bytes) -> None:
    assert dkim.relaxed_body(found) == Relaxed.canonicalize_body(found)
    assert dkim.relaxed_body(dkim.relaxed_body(found)) == dkim.relaxed_body(found)


@pytest.mark.parametrize(
    "found", [b"", b"\r\n", b"\r\n\r\n\r\n", b" \t\r\n", b"a", b".\r\n..\r\n.x\r\n", b"\x80 \xff\r\n"]
)
def test_bodies_at_the_edge_are_relaxed_as_others_do_it(found: bytes) -> None:
    assert dkim.relaxed_body(found) == Relaxed.canonicalize_body(found)


@given(st.sampled_from([b"Subject", b"TO", b"x-A "]), lines)
def test_fields_are_relaxed_as_others_do_it(name: bytes, parts: list[bytes]) -> None:
    value = b"\r\n ".join(parts) + b"\r\n"
    [(relaxed_name, relaxed_value)] = Relaxed.canonicalize_headers([(name, value)])
    assert (
        dkim.relaxed_field(name + b":" + value.removesuffix(b"\r\n")) == relaxed_name + b":" + relaxed_value
    )


@given(bodies, lines)
@settings(max_examples=40, deadline=None)
def test_any_message_is_signed_so_that_others_agree(found: bytes, subject: list[bytes]) -> None:
    head = b"From: a@news.example.org\r\nSubject:" + b"\r\n ".join(line or b"x" for line in subject)
    assert verifies(dkim.sign(head + b"\r\n\r\n" + found, KEY, at=AT), ZONE)


INDENTED = "    two  three   four\n\tand a tab  \n\n- a\n    - b\n\n```\nx    y\n```"
PREFORMATTED = samples.with_document(
    Document(
        subject="Two  blanks",
        preheader="   and three",
        blocks=[
            Note(text_markdown=INDENTED),
            Item(headline="a  b", body_markdown=INDENTED, url=samples.SITE),
        ],
    )
)


@pytest.mark.parametrize(
    "content", [samples.CONTENT, PREFORMATTED, *map(samples.in_language, ["de", "ja", "ar"])]
)
def test_our_bodies_are_relaxed_as_they_are_made(content: EditionContent) -> None:
    rendition = body.render(content, samples.TEMPLATES)
    message = splice(rendition, FACTS, samples.named_reader("  Ana   Lu  "))
    assert dkim.has_relaxed_body(message)
    assert dkim.sign(message, KEY, at=AT, body_is_relaxed=True) == dkim.sign(message, KEY, at=AT)


_WITH_LITTLE_ELSE = body.render(
    samples.with_document(
        Document(subject="{{first_name|-}}", blocks=[Note(text_markdown="{{first_name|-}}")])
    ),
    samples.TEMPLATES,
)


@given(st.text("ab  .=<é\u00a0\u3000א", max_size=160))
@settings(deadline=None)
def test_no_value_of_a_reader_changes_that(value: str) -> None:
    try:
        message = splice(_WITH_LITTLE_ELSE, FACTS, samples.named_reader(value))
    except CannotSplice:
        return
    assert dkim.has_relaxed_body(message)
