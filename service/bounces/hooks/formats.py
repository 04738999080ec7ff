"""The forms in which relays tell us events: how one is proved and read, and what to do at the relay's own pages. Pure."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from service.bounces.hooks import brevo, mailgun, mailjet, postmark, sendgrid, ses, signed, sns, sparkpost
from service.bounces.hooks.calls import Call, Heard, Proof

LOOKED_AT = date(2026, 11, 27)
JSON = frozenset({"application/json"})


class KeyKind(StrEnum):
    """Whose key proves a request."""

    NONE = "none"  # nothing is signed: the secret in the address must do
    THEIRS = "theirs"  # the relay shows it, an operator copies it here
    OURS = "ours"  # made here, shown once, entered at the sender
    TOPIC = "topic"  # a certificate, and a topic that a person confirms


def _by_address_alone(call: Call, proof: Proof, now: datetime) -> None:
    """Nothing to check: whoever knows the address is believed."""


def _takes_any_key(key: str) -> None:
    """A shared secret has no form."""


@dataclass(frozen=True)
class Format:
    """`steps`: what to do at the relay, in order, after `address` was copied. `key_label`: what the relay calls the key;
    `check_key` raises Invalid for what is none."""

    key: str
    label: str
    key_kind: KeyKind
    verify: Callable[[Call, Proof, datetime], None]
    read: Callable[[bytes], Heard]
    steps: tuple[str, ...]
    sources: tuple[str, ...]
    key_label: str = ""
    check_key: Callable[[str], None] = _takes_any_key
    content_types: frozenset[str] = JSON


FORMATS = (
    Format(
        key="ses",
        label="Amazon SES, through SNS",
        key_kind=KeyKind.TOPIC,
        verify=sns.verify,
        read=ses.read,
        content_types=JSON | {"text/plain"},  # SNS says text/plain of its JSON
        steps=(
            "In SNS make a standard topic in the region you send from; set its signature version to 2.",
            "In SES, under the identity's notifications, choose the topic for bounces and complaints, and include the original headers.",
            "At the topic make a subscription: protocol HTTPS, this address, raw message delivery off.",
            "Come back here and confirm the topic: its name appears on this page within a minute.",
        ),
        sources=(
            "https://docs.aws.amazon.com/ses/latest/dg/configure-sns-notifications.html",
            "https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html",
        ),
    ),
    Format(
        key="sendgrid",
        label="Twilio SendGrid",
        key_kind=KeyKind.THEIRS,
        key_label="Verification key",
        check_key=sendgrid.check_key,
        verify=sendgrid.verify,
        read=sendgrid.read,
        steps=(
            "Under Settings, Mail Settings, Event Webhooks make a webhook with this address.",
            "Choose Dropped, Bounced, Spam Reports and the two Unsubscribes; the others are not needed.",
            "Turn Signature Verification on and copy the verification key into the field here.",
        ),
        sources=("https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event",),
    ),
    Format(
        key="mailgun",
        label="Mailgun",
        key_kind=KeyKind.THEIRS,
        key_label="HTTP webhook signing key",
        verify=mailgun.verify,
        read=mailgun.read,
        steps=(
            "Under Sending, Webhooks add this address for Permanent Failure, Spam Complaints and Unsubscribes of your domain.",
            "Copy the HTTP webhook signing key of the account into the field here.",
        ),
        sources=("https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/securing-webhooks",),
    ),
    Format(
        key="postmark",
        label="Postmark",
        key_kind=KeyKind.NONE,
        verify=_by_address_alone,
        read=postmark.read,
        steps=(
            "In the broadcast stream, under Webhooks, add this address.",
            "Choose Bounce, Spam Complaint and Subscription Change; leave message content out.",
        ),
        sources=("https://postmarkapp.com/developer/webhooks/webhooks-overview",),
    ),
    Format(
        key="sparkpost",
        label="SparkPost (Bird)",
        key_kind=KeyKind.NONE,
        verify=_by_address_alone,
        read=sparkpost.read,
        steps=(
            "Under Configuration, Webhooks make a webhook with this address, without authentication.",
            "Choose Bounce, Out of Band, Policy Rejection, Spam Complaint and the two Unsubscribes.",
        ),
        sources=("https://developers.sparkpost.com/api/webhooks/",),
    ),
    Format(
        key="brevo",
        label="Brevo",
        key_kind=KeyKind.NONE,
        verify=_by_address_alone,
        read=brevo.read,
        steps=(
            "Under Transactional, Settings, Webhook add this address.",
            "Choose Hard bounce, Soft bounce, Invalid email, Blocked, Complaint and Unsubscribed.",
        ),
        sources=("https://developers.brevo.com/docs/transactional-webhooks",),
    ),
    Format(
        key="mailjet",
        label="Mailjet",
        key_kind=KeyKind.NONE,
        verify=_by_address_alone,
        read=mailjet.read,
        steps=(
            "Under Account settings, Event notifications enter this address for Bounce, Spam, Blocked and Unsub.",
            "Choose grouped events.",
        ),
        sources=("https://dev.mailjet.com/email/guides/webhooks/",),
    ),
    Format(
        key="signed",
        label="Signed JSON, a form of our own",
        key_kind=KeyKind.OURS,
        verify=signed.verify,
        read=signed.read,
        steps=(
            "Have your program POST events to this address, signed with the key below; docs/HOOKS.md has the form and an example.",
        ),
        sources=(),
    ),
)  # fmt: skip

BY_KEY = {one.key: one for one in FORMATS}


def usual(profile: str) -> Format:
    """The form that a relay of this profile speaks."""
    return BY_KEY.get(profile, BY_KEY["signed"])
