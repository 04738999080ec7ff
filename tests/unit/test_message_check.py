"""The one check for messages: a good one passes, and each way to spoil it is seen."""

import base64
import quopri
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from tests.support import message_check, message_headers
from tests.support.message_sight import Kind

NOW = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)
PUBLIC_URL = "https://memo.example.org"
READER = "reader7@example.net"
TOKEN = "a1B2c3D4e5F6g7H8i9J0k1"
UNSUBSCRIBE = f"{PUBLIC_URL}/unsubscribe/{TOKEN}"

HEAD = f"""From: =?utf-8?q?Caf=C3=A9_Memo?= <memo@news.example.org>
To: {READER}
Subject: =?utf-8?q?F=C3=A4hre_am_Kai=3A_was_heute?=
 =?utf-8?b?IHfDpGhsdA==?=
Date: Mon, 2 Mar 2026 05:59:58 +0000
Message-ID: <0195e1c2.17@news.example.org>
MIME-Version: 1.0
List-Id: Cafe Memo <cafe-memo.news.example.org>
List-Unsubscribe: <{UNSUBSCRIBE}>,
 <mailto:leave@news.example.org?subject=unsubscribe>
List-Unsubscribe-Post: List-Unsubscribe=One-Click
Feedback-ID: 17:cafe-memo:edition:newsdesk
Content-Type: multipart/alternative; boundary="=_a1b2c3"

"""
TEXT = f"""Good morning, reader.

From the harbor: the ferry count was rerun on Sunday night,
and the margin held at 41 votes.
.. and more below

Unsubscribe: {UNSUBSCRIBE}
"""
PAGE = f"""<!DOCTYPE html>
<html lang="en" dir="ltr"><head><meta charset="utf-8"><title>Café Memo</title><style>p {{ margin: 0 }}</style></head>
<body><div style="display:none">The ferry count was rerun</div>
<table role="presentation"><tr><td><h1>Good morning, reader.</h1>
<p>From the <a href="https://newsroom.example.org/harbor?a=1&amp;b=2">harbor</a>: the ferry count was rerun on
Sunday night, and the margin held at 41 votes.</p><p>.. and more below</p>
<img src="https://memo.example.org/media/1.png" alt="A ferry at dawn" width="600" height="200">
<p><a href="{UNSUBSCRIBE}">Unsubscribe</a></p></td></tr></table></body></html>
"""


def quoted(text: str) -> str:
    lines = quopri.encodestring(text.encode()).decode().split("\n")
    for start, escaped in ((".", "=2E"), ("From ", "=46rom ")):
        lines = [escaped + line[len(start) :] if line.startswith(start) else line for line in lines]
    return "\n".join(lines)


def in_base64(text: str) -> str:
    return base64.encodebytes(text.encode()).decode().rstrip("\n")


def part(kind: str, encoded: str, encoding: str) -> str:
    return f"--=_a1b2c3\nContent-Type: text/{kind}; charset=utf-8\nContent-Transfer-Encoding: {encoding}\n\n{encoded}\n"


def message(head: str = HEAD, text: str = TEXT, page: str = PAGE) -> bytes:
    return in_order(
        head, part("plain", quoted(text), "quoted-printable"), part("html", in_base64(page), "base64")
    )


def in_order(head: str, *parts: str) -> bytes:
    return (head + "".join(parts) + "--=_a1b2c3--\n").replace("\n", "\r\n").encode()


NOTICE_HEAD = "".join(
    line for line in HEAD.splitlines(keepends=True) if not line.startswith(("List-", " <mailto", "Feedback"))
).replace("MIME-Version", "Auto-Submitted: auto-generated\nMIME-Version")


def found_in(data: bytes, *, kind: Kind = "edition", mail_from: str = "b+1@bounce.example.org") -> list[str]:
    return message_check.check(
        data, kind=kind, mail_from=mail_from, rcpt_to=READER, public_url=PUBLIC_URL, now=NOW
    )


def test_a_good_edition_passes() -> None:
    assert found_in(message()) == []


def test_a_good_notice_passes() -> None:
    assert found_in(message(NOTICE_HEAD), kind="notice", mail_from="") == []


def test_a_good_page_in_quoted_printable_passes() -> None:
    page = part("html", quoted(PAGE), "quoted-printable")
    data = in_order(HEAD, part("plain", in_base64(TEXT), "base64"), page)
    assert found_in(data) == []


@pytest.mark.parametrize(
    "script", ["日本語の朝のメモです。船は六時に出ます。" * 4, "مذكرة الصباح تصل في السادسة"]
)
def test_scripts_without_blanks_agree(script: str) -> None:
    wrapped = (
        "\n".join(script[start : start + 15] for start in range(0, len(script), 15))
        if " " not in script
        else script
    )
    good = message(text=TEXT + wrapped + "\n", page=PAGE.replace("<p>..", f"<p>{script}</p><p>.."))
    assert found_in(good) == []


def in_head(old: str, new: str) -> Callable[[], bytes]:
    assert old in HEAD, old
    return lambda: message(HEAD.replace(old, new))


def in_text(old: str, new: str) -> Callable[[], bytes]:
    assert old in TEXT, old
    return lambda: message(text=TEXT.replace(old, new))


def in_page(old: str, new: str) -> Callable[[], bytes]:
    assert old in PAGE, old
    return lambda: message(page=PAGE.replace(old, new))


def in_bytes(old: bytes, new: bytes) -> Callable[[], bytes]:
    assert old in message(), old
    return lambda: message().replace(old, new, 1)


LONG_WORD = "=?utf-8?q?" + "a" * 70 + "?="
MUTATIONS = {
    "no Message-ID": ("M1", in_head("Message-ID: <0195e1c2.17@news.example.org>\n", "")),
    "two From fields": ("M1", in_head("To: ", "From: other@news.example.org\nTo: ")),
    "two mailboxes in From": ("M1", in_head("<memo@news.example.org>", "<memo@news.example.org>, a@example.org")),
    "two List-Unsubscribe": ("M1", in_head("Feedback", "List-Unsubscribe: <https://memo.example.org/u>\nFeedback")),
    "another reader in To": ("M1", in_head(READER, f"{READER}, reader8@example.net")),
    "Bcc": ("M1", in_head("To: ", "Bcc: other@example.net\nTo: ")),
    "no MIME version": ("M1", in_head("MIME-Version: 1.0\n", "")),
    "bare LF": ("M2", in_bytes(b"\r\n\r\n", b"\r\n\r\n\n")),
    "bare CR": ("M2", in_bytes(b"reader.", b"rea\rder.")),
    "NUL": ("M2", in_bytes(b"reader.", b"rea\0der.")),
    "no CRLF at the end": ("M2", lambda: message()[:-2]),
    "line over 998": ("M2", in_head("Feedback-ID: 17", "Feedback-ID: " + "1" * 999)),
    "header line that could fold": ("M2", in_head("17:cafe-memo:edition:newsdesk", "17 " * 30 + ":a:b:newsdesk")),
    "List-Unsubscribe in one line": ("M2", in_head(">,\n <mailto", ">, <mailto")),
    "body line over 76": ("M2", in_bytes(b"=2E. and", b"x" * 80 + b"=2E. and")),
    "encoded-word over 75": ("M4", in_head("=?utf-8?b?IHfDpGhsdA==?=", LONG_WORD)),
    "encoded-word cuts a character": ("M4", in_head("F=C3=A4hre", "F=C3?=\n =?utf-8?q?=A4hre")),
    "encoded-word in Latin-1": ("M4", in_head("=?utf-8?q?Caf=C3=A9_Memo", "=?iso-8859-1?q?Caf=E9_Memo")),
    "encoded-word inside quotes": ("M4", in_head("=?utf-8?q?Caf=C3=A9_Memo?=", '"=?utf-8?q?Caf=C3=A9_Memo?="')),
    "encoded-word glued": ("M4", in_head("=?utf-8?q?F=C3", "Die=?utf-8?q?F=C3")),
    "encoded-word broken": ("M4", in_head("=?utf-8?b?IHfDpGhsdA==?=", "=?utf-8?b?IHfD")),
    "line break in an encoded-word": ("M4", in_head("F=C3=A4hre", "F=0D=0ABcc=3A")),
    "empty subject": ("M4", lambda: message(message_with_subject(""))),
    "encoded-word in List-Unsubscribe": (
        "M5",
        in_head(f"<{UNSUBSCRIBE}>", "=?utf-8?q?=3Chttps=3A//memo=2Eexample=2Eorg/u=3E?="),
    ),
    "encoded-word in List-Id": ("M5", in_head("List-Id: Cafe Memo", "List-Id: =?utf-8?q?Caf=C3=A9?=")),
    "encoded-word in an address": ("M5", in_head("<memo@news", "<=?utf-8?q?memo?=@news")),
    "octets beyond ASCII in Subject": ("M5", lambda: message(message_with_subject("Fähre"))),
    "an injected field": ("M6", in_head("To: ", "X-Injected: yes\nTo: ")),
    "a stray line": ("M6", in_head("To: ", "not a field\nTo: ")),
    "a blank folded line": ("M6", in_head("Date: ", "Feedback-Id: a\n \n b\nDate: ")),
    "field over 32 KB": ("M7", in_head("Cafe Memo <", "\n ".join(["Cafe Memo" * 7] * 600) + " <")),
    "Subject over 998": ("M7", lambda: message(message_with_subject("\n ".join(["words of hope"] * 90)))),
    "recipient in Message-ID": ("M8", in_head("<0195e1c2.17@", "<0195e1c2.reader7@")),
    "Message-ID of another domain": ("M8", in_head("17@news.example.org", "17@host.example.org")),
    "Message-ID without brackets": ("M8", in_head("<0195e1c2.17@news.example.org>", "0195e1c2.17@news.example.org")),
    "Date in German": ("M9", in_head("Mon, 2 Mar 2026", "Mo, 2 März 2026")),
    "Date with a zone name": ("M9", in_head("+0000", "GMT")),
    "Date on another weekday": ("M9", in_head("Mon, 2", "Tue, 2")),
    "Date in the future": ("M9", in_head("05:59:58 +0000", "05:59:58 -0100")),
    "Date that is none": ("M9", in_head("2 Mar", "31 Feb")),
    "html first": (
        "M10",
        lambda: in_order(HEAD, part("html", quoted(PAGE), "quoted-printable"), part("plain", in_base64(TEXT), "base64")),
    ),
    "multipart/mixed": ("M10", in_head("multipart/alternative", "multipart/mixed")),
    "boundary inside a part": ("M10", in_bytes(b"=2E. and", b"--=_a1b2c3\r\n=2E. and")),
    "boundary never closed": ("M10", in_bytes(b"--=_a1b2c3--", b"")),
    "text before the parts": ("M10", in_bytes(b"\r\n\r\n--=_", b"\r\n\r\nhello\r\n--=_")),
    "picture that is not there": ("M10", in_page("https://memo.example.org/media/1.png", "cid:1@memo")),
    "charset Latin-1": ("M11", in_bytes(b"charset=utf-8", b"charset=iso-8859-1")),
    "octets that are no UTF-8": ("M11", in_bytes(b"reader.", b"reader=E9.")),
    "C1 control": ("M11", in_text("harbor", "harbor\u0092")),
    "C0 control": ("M11", in_page("harbor", "har\x07bor")),
    "not NFC": ("M11", in_text("harbor", "cafe\u0301")),
    "no meta charset": ("M11", in_page('<meta charset="utf-8">', "")),
    "8-bit body": ("M12", in_bytes(b"reader.", "r\u00e9ader.".encode())),
    "transfer encoding 8bit": ("M12", in_bytes(b"Encoding: quoted-printable", b"Encoding: 8bit")),
    "line begins with a dot": ("M14", in_bytes(b"=2E. and", b".. and")),
    "line begins with From": ("M14", in_bytes(b"=46rom the", b"From the")),
    "trailing blank": ("M14", in_bytes(b"reader.\r\n", b"reader. \r\n")),
    "lone equals sign": ("M14", in_bytes(b"reader.", b"reader=x.")),
    "lower-case octet": ("M14", in_bytes(b"=2E. and", b"=2e. and")),
    "broken base64": ("M14", lambda: message().replace(b"PCFE", b"PC!E", 1)),
    "relative link": ("M14", in_page("https://newsroom.example.org/harbor", "/harbor")),
    "script link": ("M14", in_page("https://newsroom.example.org/harbor", "javascript:harbor")),
    "page too large": ("M15", in_page("<h1>", "<p>" + "harbor " * 13_500 + "</p><h1>")),
    "styles too large": ("M15", in_page("margin: 0", "margin: 0;" * 2000)),
    "IDN as Unicode in a link": ("M16", in_page("newsroom.example.org", "größe.example.org")),
    "IDN as Unicode in the text": ("M16", in_text("harbor", "https://größe.example.org/harbor")),
    "no real A-label": ("M16", in_page("newsroom.example.org", "xn--a-ecp-.example.org")),
    "local part over 64": ("M18", in_head("<memo@", f"<{'m' * 65}@")),
    "preheader too long": ("M19", in_page("The ferry count was rerun<", "the ferry count was rerun " * 5 + "<")),
    "preheader said nowhere else": ("M19", in_page("The ferry count was rerun<", "Win a boat trip this weekend<")),
    "padded preheader": ("M19", in_page("was rerun</div>", "was rerun" + "\u200c\u00a0" * 40 + "</div>")),
    "no List-Id": ("B1", in_head("List-Id: Cafe Memo <cafe-memo.news.example.org>\n", "")),
    "List-Id without brackets": ("B1", in_head("<cafe-memo.news.example.org>", "cafe-memo.news.example.org")),
    "no List-Unsubscribe": (
        "B2",
        in_head(f"List-Unsubscribe: <{UNSUBSCRIBE}>,\n <mailto:leave@news.example.org?subject=unsubscribe>\n", ""),
    ),
    "mailto on the left": ("B2", in_head(f"<{UNSUBSCRIBE}>,\n ", f"<mailto:a@example.org>,\n <{UNSUBSCRIBE}>,\n ")),
    "two web addresses": ("B2", in_head(f"<{UNSUBSCRIBE}>", f"<{UNSUBSCRIBE}>,\n <{UNSUBSCRIBE}>")),
    "unsubscribe elsewhere": ("B2", in_head(f"<{PUBLIC_URL}", "<https://other.example.org")),
    "unsubscribe by http": ("B2", in_head("<https://memo", "<http://memo")),
    "short token": ("B2", in_head(f"{TOKEN}>", "12345>")),
    "no one-click": ("B3", in_head("List-Unsubscribe-Post: List-Unsubscribe=One-Click\n", "")),
    "one-click in lower case": ("B3", in_head("=One-Click", "=one-click")),
    "unsubscribe link hidden": ("B8", in_page("<p><a", '<p style="display: none"><a')),
    "no unsubscribe link on the page": ("B8", in_page(f'<a href="{UNSUBSCRIBE}">Unsubscribe</a>', "Unsubscribe")),
    "no unsubscribe link in the text": ("B8", in_text(UNSUBSCRIBE, "see the page")),
    "five parts in Feedback-ID": ("B10", in_head("17:cafe", "17:18:cafe")),
    "no lang": ("H1", in_page(' lang="en"', "")),
    "no dir": ("H1", in_page(' dir="ltr"', "")),
    "two h1": ("H2", in_page("</h1>", "</h1><h1>harbor</h1>")),
    "no title": ("H3", in_page("<title>Café Memo</title>", "")),
    "layout table without role": ("H4", in_page(' role="presentation"', "")),
    "no alt": ("H5", in_page(' alt="A ferry at dawn"', "")),
    "picture in the page itself": ("H6", in_page("https://memo.example.org/media/1.png", "data:image/png;base64,AA")),
    "script": ("H7", in_page("<h1>", "<script>1</script><h1>")),
    "script handler": ("H8", in_page("<h1>", '<h1 onclick="x()">')),
    "text part empty": ("A1", lambda: message(text="\n")),
    "tags in the text part": ("A2", in_text("harbor", "<p>harbor</p>")),
    "parts that disagree": ("A3", in_text("Good morning", "An entirely different story stands in here today. " * 4)),
}  # fmt: skip


def message_with_subject(subject: str) -> str:
    before, _, rest = HEAD.partition("Subject:")
    return f"{before}Subject: {subject}\nDate:{rest.partition('Date:')[2]}"


@pytest.mark.parametrize("spoiled", MUTATIONS)
def test_sees_what_is_spoiled(spoiled: str) -> None:
    rule, make = MUTATIONS[spoiled]
    data = make()
    assert data != message()
    assert any(violation.startswith(f"{rule}:") for violation in found_in(data)), found_in(data)


def test_a_notice_wants_auto_submitted() -> None:
    assert found_in(message(NOTICE_HEAD.replace("Auto-Submitted: auto-generated\n", "")), kind="notice") == [
        "B11: a notice wants Auto-Submitted: auto-generated"
    ]


def test_an_edition_wants_an_envelope_sender() -> None:
    assert any(violation.startswith("B11:") for violation in found_in(message(), mail_from=""))


def test_every_rule_is_tried() -> None:
    tried = {rule for rule, _ in MUTATIONS.values()}
    numbers = {
        "M1",
        "M2",
        "M4",
        "M5",
        "M6",
        "M7",
        "M8",
        "M9",
        "M10",
        "M11",
        "M12",
        "M14",
        "M15",
        "M16",
        "M18",
        "M19",
    }
    assert numbers | {"B1", "B2", "B3", "B8", "B10"} <= tried


def test_assert_good_names_every_violation() -> None:
    data = message(HEAD.replace("+0000", "GMT").replace("=One-Click", "=Yes"))
    with pytest.raises(AssertionError, match=r"(?s)M9:.*B3:"):
        message_check.assert_good(
            data, kind="edition", mail_from="b@example.org", rcpt_to=READER, public_url=PUBLIC_URL, now=NOW
        )


@pytest.mark.parametrize(
    "data", [b"", b"\r\n", b"\xff\xfe", b"Subject: =?\r\n\r\n", b"Content-Type: multipart/x\r\n\r\nx"]
)
def test_no_rubbish_breaks_the_check(data: bytes) -> None:
    assert found_in(data)


def test_the_standard_library_reads_the_sample_as_meant() -> None:
    assert message_headers.decoded("=?utf-8?q?F=C3=A4hre?=\r\n =?utf-8?b?IHfDpGhsdA==?=") == "Fähre wählt"
