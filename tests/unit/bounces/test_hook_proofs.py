"""What proves that a relay is speaking. faults.md NB-44: a forged event silences nobody, and a true one is not dropped."""

import base64
import json
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from service.bounces.findings import Kind
from service.bounces.hooks import formats, signatures, sns
from service.bounces.hooks.calls import Call, NotBelieved, Proof, Trouble
from service.bounces.hooks.formats import KeyKind
from service.bounces.hooks.signatures import KeyUnusable
from tests.support import relay_events
from tests.support.relay_events import Voice

NOW = datetime(2026, 11, 26, 6, 1, tzinfo=UTC)
SIGNED = [one.key for one in formats.FORMATS if one.key_kind is not KeyKind.NONE]
ALL = [one.key for one in formats.FORMATS]


def verify(key: str, call: Call, proof: Proof | None = None, now: datetime = NOW) -> None:
    formats.BY_KEY[key].verify(call, proof or Voice(key, NOW).proof, now)


def trouble(key: str, call: Call, proof: Proof | None = None, now: datetime = NOW) -> Trouble:
    with pytest.raises(NotBelieved) as caught:
        verify(key, call, proof, now)
    return caught.value.trouble


@pytest.mark.parametrize("key", ALL)
def test_its_own_word_is_believed_and_understood(key: str) -> None:
    call = Voice(key, NOW).call()
    verify(key, call)
    heard = formats.BY_KEY[key].read(call.body)
    (told,) = heard.told
    assert heard.odd == 0
    assert (told.finding.kind, told.finding.recipient) == (Kind.PERMANENT, relay_events.READER)
    assert told.finding.at == datetime(
        2026, 11, 26, 6, 0, 7, told.finding.at.microsecond if told.finding.at else 0, UTC
    )
    assert 0 < len(told.key) <= 120


@pytest.mark.parametrize("key", SIGNED)
def test_one_flipped_byte_is_not_believed(key: str) -> None:
    call = Voice(key, NOW).call()
    if key == "mailgun":  # its signature covers the token; the rest is bound by that being used once
        place = call.body.index(b"tttt")
        changed = call.body[:place] + b"u" + call.body[place + 1 :]
    else:
        place = call.body.index(b"mara")
        changed = call.body[:place] + b"n" + call.body[place + 1 :]
    assert trouble(key, Call(call.headers, changed)) is Trouble.BAD_SIGNATURE


@pytest.mark.parametrize("key", SIGNED)
def test_an_old_or_future_one_is_not_believed(key: str) -> None:
    voice = Voice(key, NOW)
    old = NOW - timedelta(minutes=6) if key == "signed" else NOW - timedelta(hours=27)
    assert trouble(key, voice.call(at=old)) is Trouble.STALE
    assert trouble(key, voice.call(at=NOW + timedelta(minutes=6))) is Trouble.AHEAD
    young = NOW - timedelta(minutes=4) if key == "signed" else NOW - timedelta(hours=24)
    verify(key, voice.call(at=young))


@pytest.mark.parametrize("key", SIGNED)
def test_without_a_signature_it_is_not_believed(key: str) -> None:
    call = Voice(key, NOW).call()
    body = call.body
    if key in {"ses", "mailgun"}:
        said = json.loads(body)
        body = json.dumps(
            {name: value for name, value in said.items() if name.lower() != "signature"}
        ).encode()
    assert trouble(key, Call({"content-type": "application/json"}, body)) is Trouble.NO_SIGNATURE


@pytest.mark.parametrize("key", ["sendgrid", "mailgun", "signed"])
def test_without_a_key_here_or_with_another_nothing_is_believed(key: str) -> None:
    call = Voice(key, NOW).call()
    assert trouble(key, call, Proof()) is Trouble.NO_KEY
    other = "another key"
    if key == "sendgrid":
        der = (
            ec.generate_private_key(ec.SECP256R1())
            .public_key()
            .public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        )
        other = base64.b64encode(der).decode()
    assert trouble(key, call, Proof(key=other)) is Trouble.BAD_SIGNATURE


@pytest.mark.parametrize("version", ["1", "2"])
def test_both_versions_of_sns_are_known(version: str) -> None:
    body = relay_events.sns(relay_events.ses_bounce(), at=NOW, version=version)
    verify("ses", Call({}, body))


def test_a_version_of_sns_that_nobody_knows_is_not_believed() -> None:
    said = json.loads(relay_events.sns("x", at=NOW)) | {"SignatureVersion": "3"}
    assert trouble("ses", Call({}, json.dumps(said).encode())) is Trouble.BAD_SIGNATURE


def test_another_topic_is_not_believed_though_amazon_signed_it() -> None:
    body = relay_events.sns(relay_events.ses_bounce(), at=NOW, topic=relay_events.TOPIC + "-of-a-stranger")
    assert trouble("ses", Call({}, body)) is Trouble.OTHER_TOPIC
    invitation = relay_events.sns("x", at=NOW, kind=sns.CONFIRMATION, topic=relay_events.TOPIC + "2")
    assert trouble("ses", Call({}, invitation)) is Trouble.OTHER_TOPIC


def test_before_a_topic_is_confirmed_only_an_invitation_is_believed() -> None:
    proof = Proof(certificate=relay_events.certificate())
    body = relay_events.sns(relay_events.ses_bounce(), at=NOW)
    assert trouble("ses", Call({}, body), proof) is Trouble.NO_TOPIC
    body = relay_events.sns("You have chosen to subscribe", at=NOW, kind=sns.CONFIRMATION)
    verify("ses", Call({}, body), proof)
    found = sns.invitation(body)
    assert found is not None
    assert (found.topic, found.url) == (relay_events.TOPIC, relay_events.SUBSCRIBE_URL)


@pytest.mark.parametrize(
    "url",
    [
        "http://sns.eu-central-1.amazonaws.com/SimpleNotificationService-0123.pem",
        "https://sns.eu-central-1.amazonaws.com.example.org/SimpleNotificationService-0123.pem",
        "https://example.org/sns.eu-central-1.amazonaws.com/SimpleNotificationService-0123.pem",
        "https://sns.eu-central-1.amazonaws.com@example.org/SimpleNotificationService-0123.pem",
        "https://bucket.s3.amazonaws.com/SimpleNotificationService-0123.pem",
        "https://sns.amazonaws.com/SimpleNotificationService-0123.pem",
        "https://sns.eu-central-1.amazonaws.com/evil.pem",
        "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-0123.pem?x=/a.pem",
        "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-0123.pem\n",
        "https://sns.eu-central-1.amazonaws.com:444/SimpleNotificationService-0123.pem",
        7,
        None,
    ],
)
def test_a_certificate_is_asked_only_of_amazon(url: object) -> None:
    said = json.loads(relay_events.sns("x", at=NOW)) | {"SigningCertURL": url}
    with pytest.raises(NotBelieved):
        sns.certificate_url(json.dumps(said).encode())
    assert sns.certificate_url(relay_events.sns("x", at=NOW)) == relay_events.CERTIFICATE_URL


def test_an_invitation_leads_nowhere_but_to_amazon() -> None:
    for url in (
        "https://example.org/?Action=ConfirmSubscription&x",
        "https://sns.eu-west-1.amazonaws.com/?Action=Publish&x",
    ):
        said = json.loads(relay_events.sns("x", at=NOW, kind=sns.CONFIRMATION)) | {"SubscribeURL": url}
        assert sns.invitation(json.dumps(said).encode()) is None


@pytest.mark.parametrize(
    "certificate", [b"", b"no certificate", b"-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n"]
)
def test_what_is_no_certificate_proves_nothing(certificate: bytes) -> None:
    proof = Proof(topic=relay_events.TOPIC, certificate=certificate)
    assert trouble("ses", Voice("ses", NOW).call(), proof) is Trouble.NO_CERTIFICATE


def test_a_key_is_read_in_either_form_and_a_wrong_one_is_said() -> None:
    key = relay_events.public_key()
    pem = f"-----BEGIN PUBLIC KEY-----\n{key[:64]}\n{key[64:]}\n-----END PUBLIC KEY-----\n"
    assert signatures.public_key(key).public_numbers() == signatures.public_key(pem).public_numbers()
    der = (
        relay_events.rsa_key()
        .public_key()
        .public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    for wrong in ("", "AAAA", "no key", key[:40], base64.b64encode(der).decode()):
        with pytest.raises(KeyUnusable, match="Copy the whole"):
            signatures.public_key(wrong)


def test_two_signatures_in_the_header_are_both_tried() -> None:
    """So that a sender can change its key without losing an event."""
    call = Voice("signed", NOW).call()
    stamp, _, right = call.headers["memo-signature"].partition(",v1=")
    call = Call({"memo-signature": f"{stamp},v1={'0' * 64},v1={right}"}, call.body)
    verify("signed", call)
