import pytest

from service.articles import decoding

CAFE = "<p>Café “Zoë”, 5 €</p>"


def test_nb_59_one_bad_byte_does_not_spoil_the_rest() -> None:
    decoded = decoding.decode(CAFE.encode() + b"\xff", charset="utf-8")
    assert decoded.text == CAFE + "\ufffd"
    assert (decoded.encoding, decoded.replaced_bytes) == ("utf-8", 1)


@pytest.mark.parametrize(
    ("data", "charset", "text"),
    [
        ("<p>café</p>".encode("latin-1"), "utf-8", "<p>café</p>"),
        ("<?xml version='1.0' encoding='windows-1251'?><a>Привет</a>".encode("cp1251"), None, "Привет"),
        ("<a>Привет</a>".encode("cp1251"), "windows-1251", "Привет"),
        ("<?xml version='1.0' encoding='utf-8'?><a>café</a>".encode(), "iso-8859-1", "café"),
        (CAFE.encode(), None, CAFE),
        (CAFE.encode("utf-16"), None, CAFE),
        (CAFE.encode("utf-16-le"), "utf-8", CAFE),
        (CAFE.encode("utf-16-be"), None, CAFE),
        (b"\xef\xbb\xbf" + CAFE.encode(), "iso-8859-1", CAFE),
        (b"<p>\x93quoted\x94 \x96 5 \x80</p>", "iso-8859-1", "“quoted” – 5 €"),
        (b"<p>\x93quoted\x94</p>", None, "“quoted”"),
        (b'<head><meta charset="koi8-r"></head>' + "Привет".encode("koi8-r"), None, "Привет"),
        (b'<meta http-equiv="Content-Type" content="text/html; charset=windows-1250">\xb9', None, "ą"),
        ("<p>こんにちは</p>".encode("iso-2022-jp"), "iso-2022-jp", "こんにちは"),
        ("Ein Entwurf – mit „Gänsefüßchen“".encode("cp1252"), None, "„Gänsefüßchen“"),
    ],
)
def test_nb_59_text_is_read_as_it_was_meant(data: bytes, charset: str | None, text: str) -> None:
    decoded = decoding.decode(data, charset=charset)
    assert text in decoded.text
    assert decoded.replaced_bytes == 0


def test_nb_59_control_characters_go_and_a_replacement_that_was_written_is_not_counted() -> None:
    decoded = decoding.decode("a\x01b\x00c \ufffd é".encode())
    assert (decoded.text, decoded.replaced_bytes) == ("abc \ufffd é", 0)


@pytest.mark.parametrize("charset", ["nonsense", "zip", "hex", "utf-16", "unicode_escape", "", "idna"])
def test_a_charset_that_is_none_is_passed_over(charset: str) -> None:
    assert decoding.decode("<p>café</p>".encode("latin-1"), charset=charset).text == "<p>café</p>"
