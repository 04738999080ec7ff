import datetime
import email.header
import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from service.rendering import characters, headers

UTC = datetime.UTC
subjects = st.text(min_size=1, max_size=300).map(characters.single_line).filter(bool)


def decoded(field: bytes) -> str:
    value = field.decode("ascii").removesuffix("\r\n").partition(":")[2].replace("\r\n", "")
    return str(email.header.make_header(email.header.decode_header(value.removeprefix(" "))))


@given(text=subjects)
@settings(max_examples=50, deadline=None)
@example(text="🗞️" * 75)
@example(text="word " * 60)
@example(text="צהריים and morning, both ways?")
@example(text="x" * 300)
@example(text=" blanks  inside ")
@example(text="=?utf-8?q?not_ours?=")
def test_any_subject_folds_and_reads_back(text: str) -> None:
    field = headers.unstructured("Subject", text)
    lines = field.removesuffix(b"\r\n").split(b"\r\n")
    assert all(len(line) <= 76 for line in lines)
    assert all(line.startswith(b" ") and line.strip() for line in lines[1:])
    for word in re.findall(rb"=\?\S+\?=", field):
        assert len(word) <= 75
        email.header.decode_header(word.decode())[0][0].decode()  # whole characters only
    assert decoded(field) == text


@pytest.mark.parametrize("mailto", [None, "mailto:u@news.example.org?subject=unsubscribe"])
def test_nb_01_a_long_unsubscribe_url_arrives_byte_for_byte(mailto: str | None) -> None:
    url = f"https://news.example.org/u/{'a' * 120}?l=1&c=2"
    field = headers.list_unsubscribe(url, mailto).decode("ascii")
    assert b"=?".decode() not in field
    rest = f",\r\n <{mailto}>" if mailto else ""
    assert field == f"List-Unsubscribe: <{url}>{rest}\r\n"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Morning Memo", "List-Id: Morning Memo <memo.example.org>\r\n"),
        ("The Memo, daily.", 'List-Id: "The Memo, daily." <memo.example.org>\r\n'),
        ("Größe Café", "List-Id: Groe Cafe <memo.example.org>\r\n"),
        ("朝のメモ", "List-Id: memo <memo.example.org>\r\n"),
        ("=?utf-8?q?x?=", "List-Id: = ?utf-8?q?x?= <memo.example.org>\r\n"),
    ],
)
def test_a_list_id_holds_no_encoded_word(name: str, expected: str) -> None:
    assert headers.list_id(name, "memo.example.org").decode("ascii") == expected


@pytest.mark.parametrize("identifier", ["memo", "memo example.org", "mémo.example.org", "memo..org\r\nX: y"])
def test_a_bad_list_id_is_refused(identifier: str) -> None:
    with pytest.raises(headers.HeaderInvalid):
        headers.list_id("Memo", identifier)


def test_dates_are_english_and_numeric() -> None:
    berlin = datetime.timezone(datetime.timedelta(hours=1))
    assert (
        headers.date(datetime.datetime(2026, 3, 4, 6, 0, 5, tzinfo=berlin))
        == b"Date: Wed, 04 Mar 2026 05:00:05 +0000\r\n"
    )
    with pytest.raises(headers.HeaderInvalid):
        headers.date(datetime.datetime(2026, 3, 4, tzinfo=UTC).replace(tzinfo=None))


@pytest.mark.parametrize(
    "value",
    ["no-brackets@example.org", "<a b@example.org>", "<a@b>\r\nBcc: x@example.org", "<ä@example.org>"],
)
def test_a_bad_message_id_is_refused(value: str) -> None:
    with pytest.raises(headers.HeaderInvalid):
        headers.message_id(value)


def test_a_sender_of_many_words_folds() -> None:
    field = headers.mailbox(
        "From", "Die Redaktion für Hafen, Schule & Rathaus am frühen Morgen", "memo@news.example.org"
    )
    assert all(len(line) <= 76 for line in field.split(b"\r\n"))
    assert field.endswith(b" <memo@news.example.org>\r\n")
