"""Events as relays tell them, in the form that each documents, with keys of our own and nobody real in them."""

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID

from service.bounces.hooks import signed
from service.bounces.hooks.calls import Call, Proof

READER = "mara@example.net"
MESSAGE_ID = "0199f0e0a0007000a000000000000001.7@news.example.org"
TOPIC = "arn:aws:sns:eu-central-1:123456789012:bounces"
CERTIFICATE_URL = "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem"
SUBSCRIBE_URL = "https://sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=arn:aws:sns:eu-central-1:123456789012:bounces&Token=2336412f"
KEY = "a signing key for tests only"
NO_SUCH = "550 5.1.1 <mara@example.net>: Recipient address rejected: User unknown"


@cache
def ec_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def public_key() -> str:
    """As SendGrid shows it."""
    der = (
        ec_key()
        .public_key()
        .public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    return base64.b64encode(der).decode()


@cache
def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@cache
def certificate() -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    start = datetime(2026, 1, 1, tzinfo=UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(rsa_key().public_key())
        .serial_number(7)
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=3650))
        .sign(rsa_key(), hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM)


def ses_bounce(recipient: str = READER, *, kind: str = "Permanent", detail: str = "General", words: str = NO_SUCH,
               feedback: str = "0102019a-1", status: str = "5.1.1") -> dict[str, Any]:  # fmt: skip
    return {
        "notificationType": "Bounce",
        "bounce": {
            "feedbackId": feedback,
            "bounceType": kind,
            "bounceSubType": detail,
            "bouncedRecipients": [
                {
                    "emailAddress": recipient,
                    "action": "failed",
                    "status": status,
                    "diagnosticCode": f"smtp; {words}",
                }
            ],
            "timestamp": "2026-11-26T06:00:07.000Z",
            "remoteMtaIp": "192.0.2.7",
            "reportingMTA": "dns; a7-12.smtp-out.example.com",
        },
        "mail": ses_mail(recipient),
    }


def ses_mail(recipient: str = READER) -> dict[str, Any]:
    return {
        "timestamp": "2026-11-26T06:00:01.000Z",
        "source": "memo@news.example.org",
        "messageId": "0102019a-aaaa-bbbb-000000",
        "destination": [recipient],
        "headersTruncated": False,
        "headers": [
            {"name": "From", "value": "Harbor Light <memo@news.example.org>"},
            {"name": "Message-ID", "value": f"<{MESSAGE_ID}>"},
            {"name": "List-Unsubscribe", "value": "<https://news.example.org/unsubscribe/abc>"},
        ],
        "commonHeaders": {
            "from": ["memo@news.example.org"],
            "to": [recipient],
            "messageId": f"<{MESSAGE_ID}>",
        },
    }


def ses_complaint(feedback: str = "abuse") -> dict[str, Any]:
    return {
        "notificationType": "Complaint",
        "complaint": {
            "feedbackId": "0102019a-2",
            "complainedRecipients": [{"emailAddress": READER}],
            "complaintFeedbackType": feedback,
            "timestamp": "2026-11-26T07:00:00.000Z",
        },
        "mail": ses_mail(),
    }


def sns(
    message: Any, *, at: datetime, kind: str = "Notification", topic: str = TOPIC, version: str = "2"
) -> bytes:
    """An envelope around it, signed with our own key."""
    said = {
        "Type": kind,
        "MessageId": "b2d1f6a0-0000-4000-8000-000000000001",
        "TopicArn": topic,
        "Message": message if isinstance(message, str) else json.dumps(message),
        "Timestamp": at.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "SignatureVersion": version,
        "SigningCertURL": CERTIFICATE_URL,
    }
    if kind == "Notification":
        names = ["Message", "MessageId", "Timestamp", "TopicArn", "Type"]
    else:
        said |= {"Token": "2336412f", "SubscribeURL": SUBSCRIBE_URL}
        names = ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"]
    plain = "".join(f"{name}\n{said[name]}\n" for name in names).encode()
    algorithm = hashes.SHA1() if version == "1" else hashes.SHA256()
    said["Signature"] = base64.b64encode(rsa_key().sign(plain, padding.PKCS1v15(), algorithm)).decode()
    return json.dumps(said).encode()


def sendgrid_bounce(recipient: str = READER, **changes: Any) -> dict[str, Any]:
    return {
        "email": recipient,
        "timestamp": 1795672807,
        "smtp-id": f"<{MESSAGE_ID}>",
        "event": "bounce",
        "type": "bounce",
        "bounce_classification": "Invalid Address",
        "status": "5.1.1",
        "reason": NO_SUCH,
        "sg_event_id": f"bounce-0-{recipient}",
        "sg_message_id": "DZ-sElfDTQi_7BZNMrHcvA.recvd-5b8c7f9d-1.0",
    } | changes


def mailgun_event(
    recipient: str = READER, status: dict[str, Any] | None = None, **changes: Any
) -> dict[str, Any]:
    return {
        "event": "failed",
        "severity": "permanent",
        "reason": "bounce",
        "id": "G9Bn5sl1TC6nu79C8C0bwg",
        "timestamp": 1795672807.25,
        "recipient": recipient,
        "recipient-domain": recipient.rpartition("@")[2],
        "message": {"headers": {"to": recipient, "message-id": MESSAGE_ID, "from": "memo@news.example.org"}},
        "delivery-status": status or {
            "code": 550, "enhanced-code": "5.1.1", "bounce-type": "hard", "message": NO_SUCH, "description": "",
            "mx-host": "mx.example.net", "attempt-no": 1,
        },
    } | changes  # fmt: skip


def mailgun(event: Any, *, at: datetime, token: str = "t" * 50) -> bytes:
    timestamp = str(int(at.timestamp()))
    signature = hmac.new(KEY.encode(), (timestamp + token).encode(), hashlib.sha256).hexdigest()
    said = {
        "signature": {"timestamp": timestamp, "token": token, "signature": signature},
        "event-data": event,
    }
    return json.dumps(said).encode()


def postmark_bounce(recipient: str = READER, **changes: Any) -> dict[str, Any]:
    return {
        "RecordType": "Bounce",
        "MessageStream": "broadcast",
        "ID": 4323372036854775807,
        "Type": "HardBounce",
        "TypeCode": 1,
        "Name": "Hard bounce",
        "MessageID": "883953f4-0000-4000-8000-a77a8eac7948",
        "Metadata": {},
        "ServerID": 23,
        "Description": "The server was unable to deliver your message",
        "Details": f"smtp;{NO_SUCH}",
        "Email": recipient,
        "From": "memo@news.example.org",
        "BouncedAt": "2026-11-26T06:00:07.3963933+00:00",
        "Inactive": True,
    } | changes


def sparkpost_bounce(recipient: str = READER, **changes: Any) -> dict[str, Any]:
    event = {
        "type": "bounce",
        "event_id": f"92356927693813856-{recipient}",
        "bounce_class": "10",
        "error_code": "550",
        "raw_reason": NO_SUCH,
        "reason": NO_SUCH,
        "rcpt_to": recipient.lower(),
        "raw_rcpt_to": recipient,
        "message_id": "000443ee14578172be22",
        "timestamp": "1795672807",
    } | changes
    return {"msys": {"message_event": event}}


def brevo_bounce(recipient: str = READER, **changes: Any) -> dict[str, Any]:
    return {
        "event": "hard_bounce",
        "email": recipient,
        "id": 26224,
        "date": "2026-11-26 07:00:07",
        "ts": 1795672807,
        "message-id": f"<{MESSAGE_ID}>",
        "ts_event": 1795672807,
        "ts_epoch": 1795672807000,
        "reason": NO_SUCH,
    } | changes


def mailjet_bounce(recipient: str = READER, **changes: Any) -> dict[str, Any]:
    return {
        "event": "bounce",
        "time": 1795672807,
        "MessageID": 19421777835146490,
        "Message_GUID": "1ab23cd4-0000-4000-8000-ef567890abcd",
        "email": recipient,
        "blocked": True,
        "hard_bounce": True,
        "error_related_to": "recipient",
        "error": "user unknown",
        "comment": NO_SUCH,
    } | changes


def signed_bounce(recipient: str = READER, **changes: Any) -> dict[str, Any]:
    return {
        "id": f"42-{recipient}",
        "event": "bounce",
        "recipient": recipient,
        "message_id": MESSAGE_ID,
        "reply": "550",
        "status": "5.1.1",
        "text": NO_SUCH,
        "at": "2026-11-26T06:00:07Z",
    } | changes


@dataclass(frozen=True)
class Voice:
    """A relay that tells of one dead address, in its own form."""

    key: str
    at: datetime
    recipient: str = READER
    headers: dict[str, str] = field(default_factory=dict)
    secret: str = KEY

    @property
    def proof(self) -> Proof:
        if self.key == "ses":
            return Proof(topic=TOPIC, certificate=certificate())
        return Proof(key={"sendgrid": public_key(), "mailgun": KEY, "signed": self.secret}.get(self.key, ""))

    def call(self, body: bytes | None = None, *, at: datetime | None = None) -> Call:
        """With another body than its own it is signed all the same, where the signature is beside the body."""
        when = at or self.at
        body = self.body(when) if body is None else body
        stamp = int(when.timestamp())
        headers = {"content-type": "text/plain; charset=UTF-8" if self.key == "ses" else "application/json"}
        if self.key == "sendgrid":
            plain = ec_key().sign(str(stamp).encode() + body, ec.ECDSA(hashes.SHA256()))
            headers["x-twilio-email-event-webhook-signature"] = base64.b64encode(plain).decode()
            headers["x-twilio-email-event-webhook-timestamp"] = str(stamp)
        if self.key == "signed":
            headers["memo-signature"] = signed.signature(self.secret, stamp, body)
        return Call(headers | self.headers, body)

    def body(self, at: datetime) -> bytes:
        made: dict[str, Any] = {
            "sendgrid": [sendgrid_bounce(self.recipient)],
            "postmark": postmark_bounce(self.recipient),
            "sparkpost": [sparkpost_bounce(self.recipient)],
            "brevo": brevo_bounce(self.recipient),
            "mailjet": [mailjet_bounce(self.recipient)],
            "signed": signed_bounce(self.recipient),
        }
        if self.key == "ses":
            return sns(ses_bounce(self.recipient), at=at)
        if self.key == "mailgun":
            return mailgun(mailgun_event(self.recipient), at=at)
        return json.dumps(made[self.key]).encode()
