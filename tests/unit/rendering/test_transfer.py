"""Transfer encodings against the standard library's decoders."""

import base64
import quopri

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from service.rendering import transfer

texts = st.text(max_size=300).map(lambda text: text.replace("\r", ""))
runs = st.lists(st.tuples(st.booleans(), st.binary(max_size=200)), max_size=8)


@given(pieces=st.lists(texts, max_size=5))
@settings(max_examples=80, deadline=None)
@example(pieces=["From here\n.\n..\nFrom ", "", "From ", ". x \n", "\n"])
@example(pieces=["é" * 60 + "." + "From " * 40])
@example(pieces=["a" * 75 + "." + "b" * 74 + "From "])
def test_quoted_runs_read_back_as_one_text(pieces: list[str]) -> None:
    encoded = b"".join(transfer.quoted_run(piece) for piece in [*pieces, "\n"])
    for line in encoded.split(b"\r\n"):
        assert len(line) <= 76
        assert not line.startswith((b".", b"From "))
        assert not line.endswith((b" ", b"\t"))
    assert quopri.decodestring(encoded).replace(b"\r\n", b"\n").decode() == "".join(pieces) + "\n"


@given(pieces=runs)
@settings(max_examples=80, deadline=None)
@example(pieces=[(True, b"a"), (False, b""), (True, b"b"), (False, b"cd"), (True, b""), (True, b"efg")])
def test_base64_runs_read_back_as_one_run(pieces: list[tuple[bool, bytes]]) -> None:
    joined = transfer.base64_joined(tuple(transfer.phases(data) if fixed else data for fixed, data in pieces))
    encoded = b"".join(joined)
    assert all(len(line) <= 76 for line in encoded.split(b"\r\n"))
    assert b"=" not in encoded.rstrip(b"=\r\n")
    assert base64.b64decode(encoded) == b"".join(data for _, data in pieces)


def test_a_character_is_not_cut_by_a_soft_break() -> None:
    for shift in range(12):
        for line in transfer.quoted("a" * shift + "語" * 40).split(b"=\r\n"):
            quopri.decodestring(line).decode()


@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=400))
def test_the_quick_way_for_plain_values_is_the_long_way(text: str) -> None:
    slow = transfer.quoted(text)
    assert transfer.quoted_run(text) == (slow + b"=\r\n" if slow else b"")


@pytest.mark.parametrize(
    "text",
    ["x" * 75 + ".y", "x" * 75 + "From here", ".x" * 80, "From " + "x" * 90, "a=b" * 40, "x" * 76, "x" * 150],
)
def test_the_quick_way_knows_where_a_gateway_would_do_harm(text: str) -> None:
    assert transfer.quoted_run(text) == transfer.quoted(text) + b"=\r\n"
