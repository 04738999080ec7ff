"""Mails that come back, put together from what a test is about."""

from textwrap import dedent

DAEMON = "Mail Delivery System <MAILER-DAEMON@relay.example.net>"
COPY = """\
Return-Path: <memo+token@news.example.org>
Received: from app.example.org by relay.example.net; Fri, 1 May 2026 06:00:00 +0000
From: Morning Memo <memo@news.example.org>
To: reader@example.org
Message-ID: <42.7@news.example.org>
List-Unsubscribe: <https://news.example.org/unsubscribe/token>
Subject: Your morning memo

Good morning.
"""


def letter(
    body: str, *, author: str = "Ada Reader <reader@example.org>", subject: str = "Hello", **fields: str
) -> bytes:
    """A mail without parts; field names with underscores for hyphens."""
    header = {
        "From": author,
        "To": "memo+token@news.example.org",
        "Subject": subject,
        "Date": "Fri, 1 May 2026 06:00:10 +0000",
        "Message-ID": "<report.1@relay.example.net>",
    } | {name.replace("_", "-"): value for name, value in fields.items()}
    lines = "".join(f"{name}: {value}\n" for name, value in header.items())
    return f"{lines}\n{dedent(body)}".encode()


def bounce(
    body: str, *, subject: str = "Undelivered Mail Returned to Sender", author: str = DAEMON, copy: str = COPY
) -> bytes:
    """In words alone, with a copy of the message below."""
    return letter(
        f"{dedent(body)}\n------ This is a copy of the message, including all the headers. ------\n\n{copy}",
        author=author,
        subject=subject,
    )


def report(
    status: str, *, words: str = "Your mail came back.", kind: str = "delivery-status", copy: str = COPY
) -> bytes:
    """multipart/report (RFC 6522): words, `status` as the machine's part, a copy."""
    parts = [
        f"Content-Type: text/plain; charset=utf-8\n\n{dedent(words)}",
        f"Content-Type: message/{kind}\n\n{dedent(status)}",
        f"Content-Type: message/rfc822\n\n{copy}",
    ]
    body = "".join(f"--=_b\n{part}\n" for part in parts) + "--=_b--\n"
    return letter(
        body,
        author=DAEMON,
        subject="Undelivered Mail Returned to Sender",
        MIME_Version="1.0",
        Content_Type=f'multipart/report; report-type={kind}; boundary="=_b"',
    )


def group(
    recipient: str, *, action: str = "failed", status: str = "5.1.1", diagnostic: str = "", original: str = ""
) -> str:
    """The fields of one recipient (RFC 3464 section 2.3), after an empty line."""
    lines = [f"Original-Recipient: rfc822;{original}"] if original else []
    lines += [f"Final-Recipient: rfc822; {recipient}", f"Action: {action}", f"Status: {status}"]
    lines += [f"Diagnostic-Code: smtp; {diagnostic}"] if diagnostic else []
    return "\n" + "\n".join(lines) + "\n"


PER_MESSAGE = "Reporting-MTA: dns; relay.example.net\nOriginal-Envelope-Id: 42.7\nArrival-Date: Fri, 1 May 2026 06:00:00 +0000\n"
