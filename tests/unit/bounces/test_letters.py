"""Bounces in words, and mails that are no bounces; and what is built to break a reader of mails."""

import time

import pytest

from service.bounces import report
from service.bounces.findings import Finding, Form, Kind
from tests.support import bounce_score, returned_mails

EXCHANGE = """
    Delivery has failed to these recipients or groups:

    reader@example.org
    The e-mail address you entered couldn't be found. Please check the recipient's e-mail address and try to resend the message.

    Diagnostic information for administrators:
    Generating server: mx.example.org

    reader@example.org
    #550 5.1.1 RESOLVER.ADR.RecipNotFound; not found ##
    """
QMAIL = """
    Hi. This is the qmail-send program at mx.example.org.
    I'm afraid I wasn't able to deliver your message to the following addresses.
    This is a permanent error; I've given up. Sorry it didn't work out.

    <reader@example.org>:
    192.0.2.1 does not like recipient.
    Remote host said: 550 5.1.1 no such user
    Giving up on 192.0.2.1.
    """
EXIM = """
    A message that you sent could not be delivered to one or more of its
    recipients. This is a permanent error. The following address(es) failed:

      reader@example.org
        SMTP error from remote mail server after RCPT TO:<reader@example.org>:
        host mx.example.org [192.0.2.1]: 550 No such user here
      full@example.org
        host mx.example.org [192.0.2.1]: 552 5.2.2 mailbox full
    """
GERMAN = """
    Ihre Nachricht konnte nicht zugestellt werden.

    <reader@example.org>: host mx.example.org[192.0.2.1] said: 550 5.1.1 Empfaenger unbekannt (in reply to RCPT TO command)
    """
LABELLED = """
    Your message could not be delivered to the recipient: reader@example.org
    The error was: 550 5.1.1 unknown recipient
    """


def read(raw: bytes) -> list[Finding]:
    return list(report.read(raw).findings)


@pytest.mark.parametrize("body", [EXCHANGE, QMAIL, GERMAN, LABELLED])
def test_a_bounce_in_words_is_read_by_its_form(body: str) -> None:
    told = report.read(returned_mails.bounce(body))
    (found,) = told.findings
    assert (told.form, found.kind, found.recipient) == (Form.TEXT, Kind.PERMANENT, "reader@example.org")
    assert found.original.message_id == "42.7@news.example.org"


def test_each_of_several_in_words_has_its_own() -> None:
    kinds = [(found.recipient, found.kind) for found in read(returned_mails.bounce(EXIM))]
    assert kinds == [("reader@example.org", Kind.PERMANENT), ("full@example.org", Kind.TRANSIENT)]


def test_html_alone_is_read_without_its_tags_and_styles() -> None:
    words = "<p>Delivery has failed to these recipients:<p><b>reader@example.org</b><br>550 5.1.1 unknown"
    page = f"<html><head><style>p{{}}</style></head><body>{words}</body></html>"
    raw = returned_mails.letter(page, author=returned_mails.DAEMON, Content_Type="text/html; charset=utf-8")
    (found,) = read(raw)
    assert (found.kind, found.recipient, found.status) == (Kind.PERMANENT, "reader@example.org", "5.1.1")


def test_a_bounce_that_names_nobody_is_about_whom_the_message_was_to() -> None:
    (found,) = read(returned_mails.bounce("It did not work: 550 5.1.1 no such user."))
    assert (found.kind, found.recipient) == (Kind.PERMANENT, "reader@example.org")


def test_the_last_resort_finds_a_name_and_does_not_judge() -> None:
    body = """
        This message was created automatically by mail delivery software.
        A message addressed to 'reader@example.org' was lost.
        ---- START OF RETURNED MESSAGE ----
        """
    (found,) = read(returned_mails.letter(body, author=returned_mails.DAEMON, subject="Undeliverable"))
    assert (found.recipient, found.kind) == ("reader@example.org", Kind.STRIKE)


@pytest.mark.parametrize(
    ("fields", "subject"),
    [
        ({"Auto_Submitted": "auto-replied"}, "Re: Your memo"),
        ({"Auto_Submitted": "auto-replied; owner-email=x"}, "Thank you"),
        ({"X_Autoreply": "yes"}, "Re: Your memo"),
        ({"X_Autorespond": "Your memo"}, "I am not here"),
        ({"Precedence": "auto_reply"}, "Re: Your memo"),
        ({"Auto_Submitted": "auto-generated"}, "Your ticket 12"),
        ({}, "Automatic reply: Your memo"),
        ({}, "Out of office: back on Monday"),
        ({}, "Abwesenheitsnotiz: Ihr Memo"),
        ({}, "=?utf-8?q?R=C3=A9ponse_automatique_:_Votre_memo?="),
        ({}, "Read: Your memo"),
        ({}, "Please verify your message to Ada"),
    ],
)
def test_nb_32_a_program_that_answers_is_no_bounce(fields: dict[str, str], subject: str) -> None:
    body = "I am away until Monday. Your message was not delivered to me; write to\nother@example.org\n550 5.1.1 no such user"
    told = report.read(returned_mails.letter(body, subject=subject, **fields))
    assert (told.form, [found.kind for found in told.findings]) == (Form.LETTER, [Kind.AUTO_REPLY])


def test_nb_32_a_read_receipt_is_no_bounce() -> None:
    status = "Final-Recipient: rfc822;reader@example.org\nDisposition: manual-action/MDN-sent-manually; displayed\n"
    (found,) = read(returned_mails.report(status, kind="disposition-notification"))
    assert (found.kind, found.rule) == (Kind.AUTO_REPLY, "read-receipt")


@pytest.mark.parametrize(
    ("subject", "body"),
    [
        ("Re: Your memo", "I liked the piece about the harbour."),
        ("Stop the presses", "This is great."),
        ("Unsubscribe button does not work on my telephone", "Can you help?"),
        (
            "Re: Undeliverable: Your memo",
            "> reader@example.org\n> 550 5.1.1 no such user\nWhat does this mean?",
        ),
        ("", ""),
    ],
)
def test_a_letter_by_a_person_is_for_a_person(subject: str, body: str) -> None:
    (found,) = read(returned_mails.letter(body, subject=subject))
    assert (found.kind, found.recipient) == (Kind.NOT_A_REPORT, "reader@example.org")


@pytest.mark.parametrize(
    ("subject", "body"),
    [
        ("unsubscribe", ""),
        ("Unsubscribe 3f9c.token_x", "This mail was sent by your mail program."),
        ("Re: unsubscribe", ""),
        ("Abmelden", ""),
        ("STOP", ""),
        ("", "Please unsubscribe me from this.\n"),
        ("Hello", "remove me"),
    ],
)
def test_a_wish_to_leave_is_heard(subject: str, body: str) -> None:
    (found,) = read(returned_mails.letter(body, subject=subject))
    assert (found.kind, found.recipient) == (Kind.UNSUBSCRIBE, "reader@example.org")


def test_an_automatic_answer_to_the_unsubscribe_address_is_no_wish_to_leave() -> None:
    (found,) = read(
        returned_mails.letter("unsubscribe", subject="Re: unsubscribe", Auto_Submitted="auto-replied")
    )
    assert found.kind is Kind.AUTO_REPLY


HOSTILE = {
    "nested": b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\nContent-Type: multipart/mixed; boundary=b\n\n" * 20_000,
    "boundaries": b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n" * 200_000,
    "header without end": b"X: y\n" * 200_000,
    "one long line": b"From: MAILER-DAEMON@example.org\n\n" + b"a@" * 500_000,
    "empty lines": b"From: MAILER-DAEMON@example.org\n\n<reader@example.org>:\n" + b"\n" * 900_000,
    "recipients": b"From: MAILER-DAEMON@example.org\n\n" + b"Final-Recipient: rfc822; a@example.org\n\n" * 20_000,
    "brackets": b"Content-Type: text/html\n\n" + b"<style><!--" * 90_000,
    "tags": b"Content-Type: text/html\nFrom: postmaster@example.org\n\n" + b"<a" * 450_000,
    "blanks": b"From: MAILER-DAEMON@example.org\n\n" + b"user " * 200_000,
    "addresses": b"From: " + b"a@b.c," * 160_000 + b"\n\n",
    "encoded words": b"Subject: " + b"=?utf-8?q?a?= " * 60_000 + b"\n\n",
    "json": b"Subject: x\n\n{\"Type\": " + b"[" * 500_000,
    "charset": b"Content-Type: text/plain; charset=idna\n\n" + b"a." * 400_000,
    "transfer encoding": b"Content-Transfer-Encoding: base64\n\n====\xff\x00",
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_built_to_break_a_reader_is_read_soon(name: str) -> None:
    begun = time.process_time()
    assert report.read(HOSTILE[name]).findings
    assert time.process_time() - begun < 2


def test_what_is_kept_of_a_mail_is_bounded() -> None:
    told = report.read(HOSTILE["recipients"])
    assert len(told.findings) <= 200
    for name in bounce_score.labels():
        told = bounce_score.told(name)
        assert all(len(found.text) <= 500 and len(found.recipient or "") <= 254 for found in told.findings)
