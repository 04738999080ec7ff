import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.delivery.exchange import LINE_OCTETS_MOST, Replies

CODES = st.integers(200, 599)
TEXTS = st.text(
    st.characters(codec="utf-8", exclude_characters="\r\n", exclude_categories=["Cc"]), max_size=30
)
LINES = st.lists(TEXTS.map(str.rstrip), min_size=1, max_size=4)


@given(replies=st.lists(st.tuples(CODES, LINES), max_size=6), data=st.data())
def test_replies_are_the_same_however_the_bytes_arrive(
    replies: list[tuple[int, list[str]]], data: st.DataObject
) -> None:
    wire = b"".join(
        f"{code}{'-' if number < len(lines) - 1 else ' '}{line}\r\n".encode()
        for code, lines in replies
        for number, line in enumerate(lines)
    )
    reading, found, rest = Replies(), [], wire
    while rest:
        size = data.draw(st.integers(1, len(rest)))
        found += reading.read(rest[:size])
        rest = rest[size:]
    assert found == [(code, "\n".join(lines)) for code, lines in replies]


@pytest.mark.parametrize("line", [b"hello\r\n", b"25\r\n", b"2x0 fine\r\n", b"2500 fine\r\n", b"\r\n"])
def test_what_is_no_reply_is_said(line: bytes) -> None:
    with pytest.raises(ValueError, match="no SMTP reply"):
        Replies().read(line)


def test_a_bare_code_and_a_bare_line_feed_are_understood() -> None:
    assert Replies().read(b"250\r\n250 ok\n") == [(250, ""), (250, "ok")]


def test_a_reply_without_end_is_not_kept() -> None:
    with pytest.raises(ValueError, match="no SMTP reply"):
        Replies().read(b"250-" + b"x" * LINE_OCTETS_MOST * 2)
    reading = Replies()
    with pytest.raises(ValueError, match="no SMTP reply"):
        for _ in range(1_000):
            reading.read(b"250-more\r\n")


@given(st.binary(max_size=200))
def test_any_bytes_are_replies_or_a_clear_refusal(data: bytes) -> None:
    try:
        Replies().read(data)
    except ValueError as error:
        assert "no SMTP reply" in str(error)
