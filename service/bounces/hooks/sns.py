"""Amazon SNS, the envelope that SES's events come in: pure.

https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html (what is signed, and in which order),
https://docs.aws.amazon.com/sns/latest/dg/http-subscription-confirmation-json.html. A valid signature proves only that SNS sent it: anyone
can have a topic, so it counts for the topic that a person has confirmed and for no other.
"""

import re
from dataclasses import dataclass
from datetime import datetime

from service.bounces.hooks import calls
from service.bounces.hooks.calls import Call, Event, NotBelieved, Proof, Trouble

NOTIFICATION, CONFIRMATION, FAREWELL = "Notification", "SubscriptionConfirmation", "UnsubscribeConfirmation"
_SIGNED = {
    NOTIFICATION: ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    CONFIRMATION: ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
    FAREWELL: ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
}
_HOST = r"https://sns\.[a-z]{2}(?:-[a-z0-9]{1,12}){1,4}\.amazonaws\.com(?:\.cn)?"
_CERTIFICATE = re.compile(rf"{_HOST}/SimpleNotificationService-[A-Za-z0-9]{{1,64}}\.pem")
_SUBSCRIBE = re.compile(rf"{_HOST}/\?Action=ConfirmSubscription&[\x21-\x7e]{{1,1500}}")
_TOPIC = re.compile(r"arn:aws[a-z-]{0,10}:sns:[a-z0-9-]{1,30}:[0-9]{12}:[\w.-]{1,256}")


@dataclass(frozen=True)
class Invitation:
    """A topic that wants to tell us its events, until a person has confirmed it."""

    topic: str
    url: str


def envelope(body: bytes) -> Event:
    found = calls.loads(body)
    return found if isinstance(found, dict) else {}


def certificate_url(body: bytes) -> str:
    """Where the signer's certificate is, if it is Amazon's place for them; raises NotBelieved."""
    said = envelope(body)
    if not isinstance(said.get("Signature"), str):
        raise NotBelieved(Trouble.NO_SIGNATURE)
    found = said.get("SigningCertURL", said.get("SigningCertUrl"))
    if not isinstance(found, str) or not _CERTIFICATE.fullmatch(found):
        raise NotBelieved(Trouble.NO_CERTIFICATE)
    return found


def topic_of(body: bytes) -> str:
    found = envelope(body).get("TopicArn")
    return found if isinstance(found, str) and _TOPIC.fullmatch(found) else ""


def verify(call: Call, proof: Proof, now: datetime) -> None:
    """The topic first, for that costs nothing; an invitation may come from any topic while none is confirmed."""
    from service.bounces.hooks import signatures

    said = envelope(call.body)
    topic = topic_of(call.body)
    if not topic or (proof.topic and topic != proof.topic):
        raise NotBelieved(Trouble.OTHER_TOPIC)
    kind = said.get("Type")
    if not proof.topic and kind != CONFIRMATION:
        raise NotBelieved(Trouble.NO_TOPIC)
    signed = _signed(said)
    version, signature = said.get("SignatureVersion"), said.get("Signature")
    if not isinstance(version, str) or not isinstance(signature, str):
        raise NotBelieved(Trouble.NO_SIGNATURE)
    signatures.check_rsa(proof.certificate, version, signature, signed)
    calls.check_age(calls.moment(said.get("Timestamp")), now=now)


def invitation(body: bytes) -> Invitation | None:
    """That of a verified body, if it is one."""
    said = envelope(body)
    url = said.get("SubscribeURL")
    if said.get("Type") != CONFIRMATION or not isinstance(url, str) or not _SUBSCRIBE.fullmatch(url):
        return None
    return Invitation(topic_of(body), url)


def _signed(said: Event) -> bytes:
    kind = said.get("Type")
    names = _SIGNED.get(kind) if isinstance(kind, str) else None
    if names is None:
        raise NotBelieved(Trouble.NO_SIGNATURE)
    lines: list[str] = []
    for name in names:
        value = said.get(name)
        if value is None and name == "Subject":
            continue
        if not isinstance(value, str):
            raise NotBelieved(Trouble.BAD_SIGNATURE)
        lines += [name, value]
    return "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogatepass")
