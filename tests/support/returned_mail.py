"""Reports as servers write them, about a message of ours."""

DSN = """\
From: MAILER-DAEMON@mx.example.net (Mail Delivery System)
To: {to}
Subject: Undelivered Mail Returned to Sender
Message-ID: <{name}@mx.example.net>
Date: Mon, 2 Mar 2026 06:01:00 +0000
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain; charset=us-ascii

<{recipient}>: host mx.example.net[192.0.2.1] said: {reply} (in reply to RCPT TO command)

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.net
Arrival-Date: Mon, 2 Mar 2026 06:00:30 +0000

Final-Recipient: rfc822; {recipient}
Action: {action}
Status: {status}
Remote-MTA: dns; mx.example.net
Diagnostic-Code: smtp; {reply}

--b
Content-Type: text/rfc822-headers

From: Morning Memo <memo@news.example.org>
To: {recipient}
Subject: Ferry returns
Message-ID: <{message_id}>

--b--
"""


def dsn(
    to: str,
    recipient: str,
    *,
    name: str = "report-1",
    action: str = "failed",
    status: str = "5.1.1",
    reply: str = "550 5.1.1 no such user",
    message_id: str = "something@else.example",
) -> bytes:
    """RFC 3464."""
    text = DSN.format(
        to=to,
        recipient=recipient,
        name=name,
        action=action,
        status=status,
        reply=reply,
        message_id=message_id,
    )
    return text.replace("\n", "\r\n").encode()


def letter(to: str) -> bytes:
    return (
        f"From: Nora <nora@example.net>\r\nTo: {to}\r\nSubject: The ferry\r\nMessage-ID: <letter@example.net>\r\n"
        "\r\nDear desk, the ferry leaves at eleven, not at ten.\r\n"
    ).encode()
