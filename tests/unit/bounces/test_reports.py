"""Delivery status and feedback: RFC 3464, 6533, 5965, 6591, well formed and not."""

import pytest

from service.bounces import report
from service.bounces.findings import Finding, Form, Kind
from tests.support import returned_mails
from tests.support.returned_mails import PER_MESSAGE, group


def read(raw: bytes) -> list[Finding]:
    return list(report.read(raw).findings)


def one(raw: bytes) -> Finding:
    (found,) = report.read(raw).findings
    return found


def test_a_report_names_its_recipient_and_shows_the_message() -> None:
    diagnostic = "550 5.1.1 <reader@example.org>... User unknown"
    told = report.read(
        returned_mails.report(PER_MESSAGE + group("reader@example.org", diagnostic=diagnostic))
    )
    (found,) = told.findings
    assert (told.form, found.kind, found.recipient) == (Form.DSN, Kind.PERMANENT, "reader@example.org")
    assert (found.status, found.reply, found.text) == ("5.1.1", "550", diagnostic)
    assert told.sent_to == ("memo+token@news.example.org",)
    assert told.message_id == "report.1@relay.example.net"
    original = found.original
    assert (original.message_id, original.return_path) == (
        "42.7@news.example.org",
        "memo+token@news.example.org",
    )
    assert (original.to, original.envelope_id) == ("reader@example.org", "42.7")
    assert "unsubscribe/token" in original.list_unsubscribe
    assert found.at is not None
    assert found.at.isoformat() == "2026-05-01T06:00:10+00:00"


def test_each_recipient_has_a_finding_of_its_own() -> None:
    status = PER_MESSAGE + group("a@example.org", diagnostic="550 5.1.1 unknown")
    status += group("b@example.org", status="4.2.2", diagnostic="452 4.2.2 full") + group(
        "c@example.org", action="delivered", status="2.1.5"
    )
    kinds = [(found.recipient, found.kind) for found in read(returned_mails.report(status))]
    assert kinds == [
        ("a@example.org", Kind.PERMANENT),
        ("b@example.org", Kind.TRANSIENT),
        ("c@example.org", Kind.NOT_A_REPORT),
    ]


def test_a_throttle_that_ran_out_of_time_is_failed_and_still_not_permanent() -> None:
    """What a Postfix writes when it gives up: Action: failed, Status: 4.7.28."""
    said = "host gmail-smtp-in.l.google.com said: 421-4.7.28 unusual rate of mail (in reply to end of DATA command)"
    found = one(returned_mails.report(group("reader@example.org", status="4.7.28", diagnostic=said)))
    assert found.kind is Kind.SENDER
    expired = one(
        returned_mails.report(
            group("reader@example.org", status="4.4.1", diagnostic="connect to mx: Connection timed out")
        )
    )
    assert (expired.kind, expired.strikes) == (Kind.TRANSIENT, False)


@pytest.mark.parametrize(
    ("action", "status", "kind"),
    [
        ("delayed", "4.4.1", Kind.DELAY),
        ("delayed", "4.2.2", Kind.DELAY),
        ("delayed", "4.7.28", Kind.DELAY),
        ("delivered", "2.1.5", Kind.NOT_A_REPORT),
        ("relayed", "2.0.0", Kind.NOT_A_REPORT),
        ("expanded", "2.0.0", Kind.NOT_A_REPORT),
    ],
)
def test_nb_32_what_has_not_failed_is_no_bounce(action: str, status: str, kind: Kind) -> None:
    assert one(returned_mails.report(group("reader@example.org", action=action, status=status))).kind is kind


def test_nb_31_the_address_we_sent_to_is_named_and_not_where_it_forwards_to() -> None:
    status = group("other@example.net", original="reader@example.org", diagnostic="550 5.1.1 unknown")
    assert one(returned_mails.report(status)).recipient == "reader@example.org"


@pytest.mark.parametrize(
    ("copy", "message_id", "to"),
    [
        ("From: memo@news.example.org\nSubject: Your memo\n", "", ""),
        ("", "", ""),
        (
            "To: Ada <reader@example.org>\nMessage-Id: <42.7@news.example.org>\n",
            "42.7@news.example.org",
            "reader@example.org",
        ),
    ],
)
def test_nb_31_what_is_shown_of_the_message_may_be_little_or_nothing(
    copy: str, message_id: str, to: str
) -> None:
    found = one(returned_mails.report(group("reader@example.org"), copy=copy))
    assert (found.kind, found.original.message_id, found.original.to) == (Kind.PERMANENT, message_id, to)


def test_the_reply_is_nearer_to_the_truth_than_the_status_made_from_it() -> None:
    full = one(returned_mails.report(group("reader@example.org", diagnostic="552 5.2.2 Over quota")))
    assert (full.kind, full.status, full.strikes) == (Kind.TRANSIENT, "5.2.2", True)
    blocked = group(
        "reader@example.org",
        status="5.1.3",
        diagnostic="553 see http://www.spamhaus.org/query/bl?ip=192.0.2.7",
    )
    assert one(returned_mails.report(blocked)).kind is Kind.SENDER


def test_at_mail_nobody_is_named_so_nobody_is_dead() -> None:
    diagnostic = "host mx.example.org said: 550 5.1.1 no such user (in reply to MAIL FROM command)"
    assert one(returned_mails.report(group("reader@example.org", diagnostic=diagnostic))).kind is Kind.SENDER


def test_rfc_6533_an_address_beyond_ascii() -> None:
    status = "\nFinal-Recipient: utf-8; r\\x{E4}der@example.org\nAction: failed\nStatus: 5.1.1\n"
    assert one(returned_mails.report(status, kind="global-delivery-status")).recipient == "räder@example.org"


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        (b'boundary="=_b"', b""),
        (b'; boundary="=_b"', b"; boundary=_wrong_"),
        (b"message/delivery-status", b"text/plain"),
        (b"message/delivery-status", b"application/octet-stream"),
        (b"multipart/report", b"multipart/mixed"),
        (b"Content-Type: multipart/report", b"X-Content-Type: multipart/report"),
        (b"--=_b--", b""),
        (b"Action: failed\n", b""),
        (b"Action: failed\n", b"ction failed\n"),
        (b"Final-Recipient: rfc822; ", b"Final-Recipient:RFC822;"),
        (b"Final-Recipient: rfc822; reader@example.org", b"Final-Recipient: reader@example.org"),
        (
            b"Final-Recipient: rfc822; reader@example.org",
            b"Final-Recipient: rfc822; <reader@example.org> (Ada)",
        ),
        (b"\nAction", b"\n\nAction"),
    ],
)
def test_a_malformed_report_is_understood_all_the_same(was: bytes, becomes: bytes) -> None:
    raw = returned_mails.report(group("reader@example.org", diagnostic="550 5.1.1 User unknown"))
    assert was in raw
    found = one(raw.replace(was, becomes, 1))
    assert (found.kind, found.recipient, found.status) == (Kind.PERMANENT, "reader@example.org", "5.1.1")


def test_two_recipients_without_a_line_between() -> None:
    status = (group("a@example.org") + group("b@example.org")).replace("\n\n", "\n")
    assert [found.recipient for found in read(returned_mails.report(status))] == [
        "a@example.org",
        "b@example.org",
    ]


def test_a_report_that_is_passed_on_is_read() -> None:
    inner = returned_mails.report(group("reader@example.org")).decode()
    found = one(
        returned_mails.letter(f"For you.\n\n----- Original message -----\n\n{inner}", subject="Fwd: this")
    )
    assert (found.kind, found.recipient) == (Kind.PERMANENT, "reader@example.org")


FEEDBACK = """\
Feedback-Type: {}
User-Agent: Provider/1.0
Version: 1
Original-Mail-From: <memo+token@news.example.org>
Original-Rcpt-To: <{}>
"""


@pytest.mark.parametrize(
    ("feedback", "kind"),
    [
        ("abuse", Kind.COMPLAINT),
        ("fraud", Kind.COMPLAINT),
        ("other", Kind.COMPLAINT),
        ("opt-out", Kind.UNSUBSCRIBE),
        ("not-spam", Kind.NOT_A_REPORT),
        ("virus", Kind.SENDER),
        ("auth-failure", Kind.SENDER),
    ],
)
def test_rfc_5965_what_follows_hangs_on_the_type(feedback: str, kind: Kind) -> None:
    told = report.read(
        returned_mails.report(FEEDBACK.format(feedback, "reader@example.org"), kind="feedback-report")
    )
    (found,) = told.findings
    assert (told.form, found.kind, found.feedback) == (Form.ARF, kind, feedback)
    assert (found.recipient, found.original.message_id) == ("reader@example.org", "42.7@news.example.org")


@pytest.mark.parametrize("redacted", ["redacted", "redacted-address@example.com", "x"])
def test_a_redacted_complaint_names_nobody_and_still_carries_our_token(redacted: str) -> None:
    found = one(returned_mails.report(FEEDBACK.format("abuse", redacted), kind="feedback-report"))
    assert (found.kind, found.recipient) == (Kind.COMPLAINT, None)
    assert "unsubscribe/token" in found.original.list_unsubscribe


def test_a_complaint_may_name_many_and_a_wrong_content_type() -> None:
    status = FEEDBACK.format("abuse", "a@example.org") + "Original-Rcpt-To: <b@example.org>\n"
    raw = returned_mails.report(status, kind="feedback-report").replace(
        b"message/feedback-report", b"text/plain"
    )
    assert [found.recipient for found in read(raw)] == ["a@example.org", "b@example.org"]


def test_outlooks_complaints_have_a_form_of_their_own() -> None:
    copy = "X-HmXmrOriginalRecipient: reader@example.org\nMessage-ID: <42.7@news.example.org>\nSubject: Your memo\n\nGood morning.\n"
    raw = returned_mails.report("", copy=copy, kind="none").replace(
        b"Subject: Und", b"Subject: complaint about message from 192.0.2.7: Und"
    )
    told = report.read(raw.replace(b"Content-Type: message/none", b"Content-Type: text/plain"))
    (found,) = told.findings
    assert (told.form, found.kind, found.recipient) == (Form.ARF, Kind.COMPLAINT, "reader@example.org")
    assert found.original.message_id == "42.7@news.example.org"
