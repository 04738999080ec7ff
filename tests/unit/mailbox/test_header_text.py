import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.mailbox import header_text, reading


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (b"Subject: Plain words\r\n\r\nbody", "Plain words"),
        (b"To: a\r\nSUBJECT :\r\n folded\r\n\tover lines\r\nX: y\r\n\r\n", "folded over lines"),
        (b"Subject: =?utf-8?q?caf=C3=A9_au?= =?utf-8?b?IGxhaXQ=?=\r\n\r\n", "café au lait"),
        (b"Subject: =?UTF-8?B?w6k=?= and =?utf-8?Q?=E2=80=94?= more\r\n\r\n", "é and — more"),
        (b"Subject: =?utf-8?q?caf=C3?=\r\n =?utf-8?q?=A9?=\r\n\r\n", "café"),
        (b"Subject: =?iso-8859-1?q?M=FCller?= =?utf-8?q?=C3=A9?=\r\n\r\n", "Mülleré"),
        (b"Subject: =?utf-8*en?q?with_a_language?=\r\n\r\n", "with a language"),
        (b"Subject: =?no-such-set?q?caf=C3=A9?=\r\n\r\n", "café"),
        (b"Subject: =?unicode_escape?q?=5Cx?=\r\n\r\n", "\\x"),
        (b"Subject: =?utf-8?b?A?= stays\r\n\r\n", "=?utf-8?b?A?= stays"),
        ("Subject: grüße, unencoded\r\n\r\n".encode(), "grüße, unencoded"),
        (b"Subject: latin \xe9\r\n\r\n", "latin é"),
        (b"Subject: =?utf-8?q?a=ED=A0=80b?=\r\n\r\n", "a\ufffd\ufffd\ufffdb"),
        (b"Not-Subject: a\r\n\r\nSubject: in the body", ""),
        (b"\r\nSubject: in the body", ""),
        (b"", ""),
    ],
)
def test_a_subject_is_shown_as_it_was_meant(raw: bytes, shown: str) -> None:
    assert header_text.subject_of(raw) == shown


@pytest.mark.parametrize("control", ["\n", "\r", "\r\n", "\x00", "\x0b", "\x85", "\u2028", "\u2029"])
def test_nb_19_control_characters_in_an_encoded_subject_become_one_blank(control: str) -> None:
    word = "".join(f"={octet:02X}" for octet in control.encode())
    raw = f"Subject: =?utf-8?q?Big{word}_news?=\r\n\r\n".encode()

    assert header_text.subject_of(raw) == "Big news"


hostile = st.one_of(
    st.binary(max_size=400),
    st.lists(
        st.sampled_from(
            [
                *(
                    b"Subject:",
                    b"Content-Type:",
                    b" multipart/mixed; boundary=x",
                    b"\r\n",
                    b"\r\n\r\n",
                    b"--x\r\n",
                    b"--x--",
                ),
                *(
                    b" text/html; charset=",
                    b"punycode",
                    b"utf-16",
                    b"idna",
                    b"utf-8''%ff",
                    b"filename*=",
                    b"filename*0*=",
                ),
                *(
                    b"Content-Disposition: attachment;",
                    b"Content-Transfer-Encoding: base64\r\n",
                    b"=?",
                    b"?=",
                    b"?b?",
                    b"?q?",
                ),
                *(b"\xff", b"\x00", b"=", b"%", b";", b'"', b" ", b"A", "é".encode()),
            ]
        ),
        max_size=40,
    ).map(b"".join),
)


@given(hostile)
def test_any_bytes_can_be_opened(raw: bytes) -> None:
    subject = header_text.subject_of(raw)
    opened = reading.opened(raw)

    subject.encode()  # no half characters, which no database takes
    assert "\x00" not in subject
    assert "\n" not in subject
    for header in opened.headers:
        (header.name + header.value).encode()


def test_parts_nested_without_end_leave_the_headers_readable() -> None:
    level = "Content-Type: multipart/mixed; boundary=b{0}\r\n\r\n--b{0}\r\n"
    raw = "Subject: deep\r\n" + "".join(level.format(number) for number in range(1_500))

    opened = reading.opened(raw.encode())

    assert opened.is_damaged
    assert opened.first("subject") == "deep"
