"""What is known of each kind of relay, as data: who signs, what becomes of our bytes, and where a message's number stands in the 250.

Taken from the services' own pages where the source says so, from replies published by people who log them where it says "seen". They
change without notice, so each carries its sources, and all were looked at on `LOOKED_AT`. What is not known is said to be not known.
"""

import re
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

LOOKED_AT = date(2026, 11, 26)


class Fate(StrEnum):
    """What becomes of something we wrote."""

    KEPT = "kept"
    REPLACED = "replaced"
    UNKNOWN = "not known"


@dataclass(frozen=True)
class Profile:
    """`keeps_bytes`: body and signed headers reach the reader as we wrote them, so that a DKIM signature of ours stays good.

    `return_path`: whether a sender of the envelope that is ours reaches the reader's server. `queue_id` has one group and is asked of
    a 250 to the dot; without one, the message is told apart by its Message-ID. `spf_include`: what a domain's SPF record includes to let
    it send, for the services that say so; empty: its own addresses have to be named.
    """

    key: str
    label: str
    hosts: str
    signs: str
    keeps_bytes: bool
    message_id: Fate
    return_path: Fate
    queue_id: str | None
    tls: str
    quota: str
    hint: str
    sources: tuple[str, ...]
    spf_include: str = ""


_QUEUED_AS = r"queued as <?([^\s<>]{3,250})>?"

PROFILES = (
    Profile(
        key="postfix",
        label="Postfix of your own",
        hosts=r"localhost|127\.\d+\.\d+\.\d+|::1",
        signs="we do, unless the Postfix has a milter that signs (OpenDKIM, rspamd)",
        keeps_bytes=True,
        message_id=Fate.KEPT,
        return_path=Fate.KEPT,
        queue_id=_QUEUED_AS,
        tls="STARTTLS on 25 or 587; none on loopback",
        quota="none by itself; 50 connections at once from one address (smtpd_client_connection_count_limit)",
        hint="It answers for what happens behind it: PTR, SPF and the pace at which providers take mail.",
        sources=(
            "https://www.postfix.org/postconf.5.html",
            "seen: 250 2.0.0 Ok: queued as 4W3qZs6Yl0z9sWk",
        ),
    ),
    Profile(
        key="ses",
        label="Amazon SES",
        hosts=r"email-smtp(-fips)?\.[a-z0-9-]+\.amazonaws\.com(\.cn)?",
        signs="SES does, for a domain that is verified there (Easy DKIM)",
        keeps_bytes=False,
        message_id=Fate.REPLACED,
        return_path=Fate.REPLACED,
        queue_id=r"^(?:2\.\d\.\d )?Ok ([0-9a-f]{16}-[0-9a-f-]{20,60})$",
        tls="STARTTLS on 587, 2587 or 25; implicit on 465 or 2465",
        quota="of your account, per day and per second; in the sandbox 200 a day, 1 a second, and only to verified addresses",
        hint="It writes its own Date and Message-ID. User and password are SMTP credentials, not an access key.",
        spf_include="amazonses.com",
        sources=(
            "https://docs.aws.amazon.com/ses/latest/dg/header-fields.html",
            "https://docs.aws.amazon.com/ses/latest/dg/smtp-connect.html",
            "https://docs.aws.amazon.com/ses/latest/dg/quotas.html",
            "seen: 250 Ok 0100016e4ab7c399-5058a2a5-d4ad-407b-92b8-94472f229325-000000",
        ),
    ),
    Profile(
        key="sendgrid",
        label="Twilio SendGrid",
        hosts=r"smtp(\.eu)?\.sendgrid\.net",
        signs="SendGrid does, for a domain that is authenticated there",
        keeps_bytes=False,
        message_id=Fate.UNKNOWN,
        return_path=Fate.REPLACED,
        queue_id=_QUEUED_AS,
        tls="STARTTLS on 587, 2525 or 25; implicit on 465",
        quota="credits of the plan, per day or month; when they are used up: 451 Maximum credits exceeded",
        hint="The user is the word apikey, the password an API key with the right to send. Switch click and open tracking off there.",
        spf_include="sendgrid.net",
        sources=(
            "https://www.twilio.com/docs/sendgrid/for-developers/sending-email/integrating-with-the-smtp-api",
            "https://www.twilio.com/docs/sendgrid/for-developers/sending-email/smtp-errors-and-troubleshooting",
            "seen: 250 Ok: queued as DZ-sElfDTQi_7BZNMrHcvA",
        ),
    ),
    Profile(
        key="mailgun",
        label="Mailgun",
        hosts=r"smtp(\.eu)?\.mailgun\.org",
        signs="Mailgun does, for the sending domain",
        keeps_bytes=False,
        message_id=Fate.KEPT,
        return_path=Fate.REPLACED,
        queue_id=None,
        tls="STARTTLS on 587, 2525 or 25; implicit on 465",
        quota="of the plan; a new account has an hourly limit until it has shown itself",
        hint="Its 250 has no number; find a message there by its Message-ID. Regions are apart: use smtp.eu.mailgun.org for the EU.",
        spf_include="mailgun.org",
        sources=(
            "https://documentation.mailgun.com/docs/mailgun/user-manual/sending-messages",
            "seen: 250 Great success",
        ),
    ),
    Profile(
        key="postmark",
        label="Postmark",
        hosts=r"smtp(-broadcasts)?\.postmarkapp\.com",
        signs="Postmark does, for a domain that is verified there",
        keeps_bytes=False,
        message_id=Fate.REPLACED,
        return_path=Fate.REPLACED,
        queue_id=_QUEUED_AS,
        tls="STARTTLS on 587, 2525 or 25; no implicit TLS",
        quota="of the plan, per month",
        hint="Newsletters belong to the broadcast stream: smtp-broadcasts.postmarkapp.com with an SMTP token of that stream. "
        "It takes every message and reports what was wrong as a bounce.",
        spf_include="spf.mtasv.net",
        sources=(
            "https://postmarkapp.com/developer/user-guide/send-email-with-smtp",
            "seen: 250 2.0.0 Ok: queued as 6A59",
        ),
    ),
    Profile(
        key="brevo",
        label="Brevo",
        hosts=r"smtp-relay\.(brevo|sendinblue)\.com",
        signs="Brevo does, for a domain that is authenticated there",
        keeps_bytes=False,
        message_id=Fate.KEPT,
        return_path=Fate.REPLACED,
        queue_id=_QUEUED_AS,
        tls="STARTTLS on 587 or 2525; implicit on 465",
        quota="of the plan, per day or month; 300 a day without one",
        hint="The password is an SMTP key, not the API key. The addresses of this server may have to be authorised there.",
        spf_include="spf.brevo.com",
        sources=(
            "https://developers.brevo.com/docs/smtp-integration",
            "seen: 250 2.0.0 OK: queued as <27687904.11.1776230268133.JavaMail.zimbra@example.org>",
            "seen: 250 Message queued as <b317022a-32f2-e8cb-8740-f203bac5caf6@example.org>",
        ),
    ),
    Profile(
        key="mailjet",
        label="Mailjet",
        hosts=r"in(-v3)?\.mailjet\.com",
        signs="Mailjet does, for a domain that is validated there",
        keeps_bytes=False,
        message_id=Fate.UNKNOWN,
        return_path=Fate.REPLACED,
        queue_id=_QUEUED_AS,
        tls="STARTTLS on 587, 588, 2525, 80 or 25; implicit on 465",
        quota="of the plan; 200 a day and 6,000 a month without one",
        hint="The user is the API key, the password the secret key.",
        spf_include="spf.mailjet.com",
        sources=(
            "https://dev.mailjet.com/smtp-relay/configuration/",
            "seen: 250 2.0.0 Ok: queued as 0C0151AC06F9",
        ),
    ),
    Profile(
        key="generic",
        label="Another SMTP server",
        hosts=r"(?!)",
        signs="we do; ask whoever runs it whether it signs, too",
        keeps_bytes=True,
        message_id=Fate.UNKNOWN,
        return_path=Fate.UNKNOWN,
        queue_id=rf"{_QUEUED_AS}|(?:\bid=|InternalId=)([\w-]{{3,80}})",
        tls="STARTTLS on 587 or implicit TLS on 465 (RFC 8314 section 3.3)",
        quota="ask whoever runs it how many messages it takes in a second, an hour and a day",
        hint="Test it before you use it.",
        sources=("RFC 5321 section 4.2: what follows a reply's code is for people, so its form is nobody's promise",),
    ),
)  # fmt: skip

BY_KEY = {profile.key: profile for profile in PROFILES}
GENERIC = BY_KEY["generic"]


def guessed(host: str) -> Profile:
    """The profile whose host this is."""
    name = host.strip().rstrip(".").lower()
    return next((one for one in PROFILES if re.fullmatch(one.hosts, name)), GENERIC)


def takes_return_paths(key: str) -> bool:
    """Whether the sender of an envelope may be ours: not where the relay puts its own, and perhaps refuses what it does not know."""
    return BY_KEY.get(key, GENERIC).return_path is not Fate.REPLACED


def queue_id(profile: Profile, text: str) -> str | None:
    """The relay's own number for a message, from the text of its 250 without the code."""
    found = re.search(profile.queue_id, text.strip(), re.IGNORECASE) if profile.queue_id else None
    return next((group for group in found.groups() if group), None) if found else None
