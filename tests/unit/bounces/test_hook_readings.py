"""What each relay's words come to, and that no body crashes the reader."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.bounces.findings import Kind
from service.bounces.hooks import calls, formats
from service.bounces.hooks.calls import (
    WITH_EFFECT,
    Call,
    Heard,
    NotBelieved,
    Proof,
    Told,
    Trouble,
    Unreadable,
)
from tests.support import relay_events as events

NOW = datetime(2026, 11, 26, 6, 1, tzinfo=UTC)
POLICY = "550 5.7.1 Message rejected due to policy, see https://mx.example.net/why"
FULL = "552 5.2.2 mailbox full"


def read(key: str, said: Any) -> Heard:
    if key == "ses":
        return formats.BY_KEY[key].read(events.sns(said, at=NOW))
    if key == "mailgun":
        return formats.BY_KEY[key].read(events.mailgun(said, at=NOW))
    return formats.BY_KEY[key].read(json.dumps(said).encode())


def one(key: str, said: Any) -> Told:
    (told,) = read(key, said).told
    return told


MAPPED: list[tuple[str, Any, Kind | None]] = [
    ("ses", events.ses_bounce(), Kind.PERMANENT),
    ("ses", events.ses_bounce(detail="NoEmail"), Kind.PERMANENT),
    ("ses", events.ses_bounce(words=POLICY, status="5.7.1"), Kind.SENDER),
    ("ses", events.ses_bounce(detail="OnAccountSuppressionList", words=""), Kind.STRIKE),
    ("ses", events.ses_bounce(kind="Undetermined", detail="Undetermined", words="?"), Kind.STRIKE),
    ("ses", events.ses_complaint(), Kind.COMPLAINT),
    ("ses", events.ses_complaint("not-spam"), None),
    ("ses", events.ses_complaint("auth-failure"), Kind.SENDER),
    ("ses", {"eventType": "Reject", "reject": {"reason": "Bad content"}, "mail": events.ses_mail()}, Kind.SENDER),
    ("ses", {"eventType": "Subscription", "mail": events.ses_mail(),
             "subscription": {"newTopicPreferences": {"unsubscribeAll": True}}}, Kind.UNSUBSCRIBE),
    ("ses", {"eventType": "Subscription", "mail": events.ses_mail(),
             "subscription": {"newTopicPreferences": {"unsubscribeAll": False}}}, None),
    ("ses", {"eventType": "Delivery", "delivery": {}, "mail": events.ses_mail()}, None),
    ("ses", {"eventType": "DeliveryDelay", "deliveryDelay": {}, "mail": events.ses_mail()}, None),
    ("sendgrid", [events.sendgrid_bounce()], Kind.PERMANENT),
    ("sendgrid", [events.sendgrid_bounce(reason=POLICY, status="5.7.1")], Kind.SENDER),
    ("sendgrid", [events.sendgrid_bounce(reason=FULL, status="5.2.2", bounce_classification="")], Kind.TRANSIENT),
    ("sendgrid", [events.sendgrid_bounce(reason="500 unknown words", status="", bounce_classification="")], Kind.SENDER),
    ("sendgrid", [events.sendgrid_bounce(reason="550 odd", status="5.0.0", bounce_classification="Unclassified")], Kind.STRIKE),
    ("sendgrid", [events.sendgrid_bounce(type="blocked", bounce_classification="Reputation", reason="", status="")], Kind.SENDER),
    ("sendgrid", [events.sendgrid_bounce(event="dropped", reason="Bounced Address", status="5.0.0")], Kind.STRIKE),
    ("sendgrid", [events.sendgrid_bounce(event="dropped", reason="Unsubscribed Address")], Kind.UNSUBSCRIBE),
    ("sendgrid", [events.sendgrid_bounce(event="dropped", reason="Spam Reporting Address")], Kind.COMPLAINT),
    ("sendgrid", [events.sendgrid_bounce(event="dropped", reason="Recipient List over Package Quota", status="")], Kind.SENDER),
    ("sendgrid", [events.sendgrid_bounce(event="spamreport")], Kind.COMPLAINT),
    ("sendgrid", [events.sendgrid_bounce(event="group_unsubscribe")], Kind.UNSUBSCRIBE),
    ("sendgrid", [events.sendgrid_bounce(event="deferred", response="421 4.7.0 later")], None),
    ("mailgun", events.mailgun_event(), Kind.PERMANENT),
    ("mailgun", events.mailgun_event(severity="temporary"), None),
    ("mailgun", events.mailgun_event(reason="suppress-bounce", status={"code": 605}), Kind.STRIKE),
    ("mailgun", events.mailgun_event(reason="suppress-complaint"), Kind.COMPLAINT),
    ("mailgun", events.mailgun_event(reason="suppress-unsubscribe"), Kind.UNSUBSCRIBE),
    ("mailgun", events.mailgun_event(status={"code": 550, "message": POLICY, "bounce-type": "hard"}), Kind.SENDER),
    ("mailgun", events.mailgun_event(reason="old", status={"code": 602}), Kind.TRANSIENT),
    ("mailgun", events.mailgun_event(event="complained"), Kind.COMPLAINT),
    ("mailgun", events.mailgun_event(event="unsubscribed"), Kind.UNSUBSCRIBE),
    ("mailgun", events.mailgun_event(event="rejected"), Kind.SENDER),
    ("mailgun", events.mailgun_event(event="opened"), None),
    ("postmark", events.postmark_bounce(), Kind.PERMANENT),
    ("postmark", events.postmark_bounce(Details=POLICY), Kind.SENDER),
    ("postmark", events.postmark_bounce(Type="SoftBounce", Details=FULL), Kind.TRANSIENT),
    ("postmark", events.postmark_bounce(Type="Transient"), None),
    ("postmark", events.postmark_bounce(Type="AutoResponder"), None),
    ("postmark", events.postmark_bounce(Type="SpamNotification"), Kind.SENDER),
    ("postmark", events.postmark_bounce(RecordType="SpamComplaint", Type="SpamComplaint", Details=""), Kind.COMPLAINT),
    ("postmark", {"RecordType": "SubscriptionChange", "Recipient": events.READER, "SuppressSending": True, "Origin": "Recipient",
                  "SuppressionReason": "ManualSuppression", "ChangedAt": "2026-11-26T06:00:07Z"}, Kind.UNSUBSCRIBE),
    ("postmark", {"RecordType": "SubscriptionChange", "Recipient": events.READER, "SuppressSending": True, "Origin": "Customer",
                  "SuppressionReason": "ManualSuppression"}, None),
    ("postmark", {"RecordType": "SubscriptionChange", "Recipient": events.READER, "SuppressSending": False}, None),
    ("postmark", {"RecordType": "Delivery", "Recipient": events.READER}, None),
    ("sparkpost", [events.sparkpost_bounce()], Kind.PERMANENT),
    ("sparkpost", [events.sparkpost_bounce(bounce_class="22", raw_reason=FULL)], Kind.TRANSIENT),
    ("sparkpost", [events.sparkpost_bounce(bounce_class="51", raw_reason=POLICY)], Kind.SENDER),
    ("sparkpost", [events.sparkpost_bounce(bounce_class="25", raw_reason="554 5.7.1 recipient address suppressed due to customer policy")],
     Kind.STRIKE),
    ("sparkpost", [events.sparkpost_bounce(bounce_class="60", type="out_of_band")], None),
    ("sparkpost", [events.sparkpost_bounce(bounce_class="90")], Kind.UNSUBSCRIBE),
    ("sparkpost", [events.sparkpost_bounce(type="spam_complaint", fbtype="abuse")], Kind.COMPLAINT),
    ("sparkpost", [events.sparkpost_bounce(type="spam_complaint", fbtype="not-spam")], None),
    ("sparkpost", [events.sparkpost_bounce(type="list_unsubscribe")], Kind.UNSUBSCRIBE),
    ("sparkpost", [events.sparkpost_bounce(type="delay")], None),
    ("sparkpost", [{"msys": {}}], None),
    ("brevo", events.brevo_bounce(), Kind.PERMANENT),
    ("brevo", events.brevo_bounce(reason=POLICY), Kind.SENDER),
    ("brevo", events.brevo_bounce(event="soft_bounce", reason=FULL), Kind.TRANSIENT),
    ("brevo", events.brevo_bounce(event="blocked", reason=""), Kind.STRIKE),
    ("brevo", events.brevo_bounce(event="spam"), Kind.COMPLAINT),
    ("brevo", events.brevo_bounce(event="unsubscribed"), Kind.UNSUBSCRIBE),
    ("brevo", events.brevo_bounce(event="delivered"), None),
    ("mailjet", [events.mailjet_bounce()], Kind.PERMANENT),
    ("mailjet", events.mailjet_bounce(error="quota exceeded", comment=""), Kind.TRANSIENT),
    ("mailjet", events.mailjet_bounce(error="policy issue", comment=POLICY), Kind.SENDER),
    ("mailjet", events.mailjet_bounce(event="blocked", error="preblocked", comment=""), Kind.STRIKE),
    ("mailjet", events.mailjet_bounce(event="spam", error=""), Kind.COMPLAINT),
    ("mailjet", events.mailjet_bounce(event="unsub", error=""), Kind.UNSUBSCRIBE),
    ("mailjet", events.mailjet_bounce(event="sent"), None),
    ("signed", events.signed_bounce(), Kind.PERMANENT),
    ("signed", events.signed_bounce(text=POLICY, status="5.7.1"), Kind.SENDER),
    ("signed", events.signed_bounce(event="complaint"), Kind.COMPLAINT),
    ("signed", events.signed_bounce(event="permanent", text="", status="", reply=""), Kind.PERMANENT),
    ("signed", {"event": "ping"}, None),
]  # fmt: skip


@pytest.mark.parametrize(("key", "said", "kind"), MAPPED)
def test_its_words_come_to(key: str, said: Any, kind: Kind | None) -> None:
    heard = read(key, said)
    assert [told.finding.kind for told in heard.told] == ([] if kind is None else [kind])
    assert heard.odd == 0
    for told in heard.told:
        assert told.finding.source
        assert told.finding.rule.startswith(key)


@pytest.mark.parametrize(
    ("key", "said", "message_id", "number"),
    [
        ("ses", events.ses_bounce(), events.MESSAGE_ID, "0102019a-aaaa-bbbb-000000"),
        ("sendgrid", [events.sendgrid_bounce()], events.MESSAGE_ID, "DZ-sElfDTQi_7BZNMrHcvA"),
        ("mailgun", events.mailgun_event(), events.MESSAGE_ID, ""),
        ("postmark", events.postmark_bounce(), "", "883953f4-0000-4000-8000-a77a8eac7948"),
        ("brevo", events.brevo_bounce(), events.MESSAGE_ID, ""),
        ("mailjet", events.mailjet_bounce(), "", "19421777835146490"),
        ("signed", events.signed_bounce(), events.MESSAGE_ID, ""),
    ],
)
def test_it_says_which_message_it_is_about(key: str, said: Any, message_id: str, number: str) -> None:
    told = one(key, said)
    assert (told.finding.original.message_id, told.number) == (message_id, number)


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("ses", {"eventType": "Nonsense"}),
        ("ses", "no JSON inside"),
        ("sendgrid", [{"event": "invented", "email": events.READER}]),
        ("sendgrid", [{"event": "bounce"}]),
        ("sendgrid", ["text", 7, None]),
        ("mailgun", {}),
        ("postmark", {"RecordType": "Inbound"}),
        ("sparkpost", [{"relay": 1}]),
        ("sparkpost", [{"msys": {"message_event": 7}}]),
        ("brevo", {"items": []}),
        ("mailjet", [[]]),
        ("signed", {"event": "bounce", "recipient": events.READER}),
    ],
)
def test_what_names_nobody_or_is_unknown_is_counted_and_changes_nothing(key: str, said: Any) -> None:
    heard = read(key, said)
    assert heard.told == ()
    assert heard.odd >= 1


def test_two_recipients_in_one_event_are_two_findings() -> None:
    said = events.ses_bounce()
    said["bounce"]["bouncedRecipients"].append({"emailAddress": "noor@example.net", "status": "5.7.1"})
    first, second = read("ses", said).told
    assert (first.finding.kind, second.finding.kind) == (Kind.PERMANENT, Kind.SENDER)
    assert first.key != second.key


def test_an_event_that_stands_twice_in_a_batch_is_one_and_hundreds_are_hundreds() -> None:
    batch = [events.sendgrid_bounce(f"reader{number}@example.net") for number in range(700)]
    assert len(read("sendgrid", batch + batch[:50]).told) == 700


def test_more_events_than_a_body_may_have() -> None:
    with pytest.raises(Unreadable) as caught:
        read("sendgrid", [{}] * (calls.MOST_EVENTS + 1))
    assert caught.value.trouble is Trouble.TOO_MANY


def test_a_token_of_mailgun_is_bound_to_its_body() -> None:
    first = one("mailgun", events.mailgun_event())
    again = one("mailgun", events.mailgun_event())
    other = one("mailgun", events.mailgun_event("noor@example.net"))
    assert (first.key, first.once) == (again.key, again.once)
    assert first.key == other.key
    assert first.once != other.once


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b'{"a": ' * 20_000, b"9" * 6_000, b"nul"]
)
@pytest.mark.parametrize("key", [one.key for one in formats.FORMATS])
def test_a_body_that_is_no_json_is_said_to_be_unreadable(key: str, body: bytes) -> None:
    try:
        heard = formats.BY_KEY[key].read(body)
    except Unreadable:
        return
    assert not heard.told


_SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
_SAMPLES: dict[str, Any] = {
    "ses": events.ses_bounce(), "sendgrid": events.sendgrid_bounce(), "mailgun": events.mailgun_event(),
    "postmark": events.postmark_bounce(), "sparkpost": events.sparkpost_bounce(), "brevo": events.brevo_bounce(),
    "mailjet": events.mailjet_bounce(), "signed": events.signed_bounce(),
}  # fmt: skip


def _spoilt(draw: st.DrawFn, said: Any) -> Any:
    """The same, with some values replaced by whatever JSON can hold, and some left out."""
    if draw(st.integers(0, 7)) == 0:
        return draw(
            _SCALARS
            | st.lists(_SCALARS, max_size=3)
            | st.dictionaries(st.text(max_size=5), _SCALARS, max_size=3)
        )
    if isinstance(said, dict):
        return {name: _spoilt(draw, value) for name, value in said.items() if draw(st.integers(0, 9))}
    if isinstance(said, list):
        return [_spoilt(draw, value) for value in said]
    return said


@st.composite
def _spoilt_event(draw: st.DrawFn) -> tuple[str, Any]:
    key = draw(st.sampled_from(sorted(_SAMPLES)))
    return key, _spoilt(draw, _SAMPLES[key])


@settings(max_examples=150, deadline=None)
@given(_spoilt_event())
def test_no_event_crashes_its_reader_and_what_it_says_fits_any_column(spoilt: tuple[str, Any]) -> None:
    key, said = spoilt
    heard = read(key, said if key in {"ses", "mailgun"} else [said])
    for told in heard.told:
        shown = json.dumps([told.key, told.name, told.number, told.finding.recipient, told.finding.text,
                            *told.finding.original])  # fmt: skip
        assert told.finding.kind in WITH_EFFECT
        assert "\\u0000" not in shown
        json.loads(shown).__repr__().encode()
        assert len(told.key) <= 120
        assert len(told.name) <= 60


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(sorted(_SAMPLES)),
    st.binary(max_size=300) | st.text(max_size=100).map(lambda text: text.encode()),
)
def test_no_body_at_all_crashes_proof_or_reader(key: str, body: bytes) -> None:
    proof = Proof(key=events.KEY if key != "sendgrid" else events.public_key(), topic=events.TOPIC)
    try:
        formats.BY_KEY[key].verify(Call({}, body), proof, NOW)
        formats.BY_KEY[key].read(body)
    except (NotBelieved, Unreadable):
        pass


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("sendgrid", [events.sendgrid_bounce(reason=FULL, status="5.2.2", bounce_classification="")]),
        ("ses", events.ses_bounce(kind="Transient", detail="MailboxFull", words="", status="")),
    ],
)
def test_a_full_mailbox_counts_whoever_tells_it(key: str, said: Any) -> None:
    found = one(key, said).finding
    assert (found.kind, found.strikes) == (Kind.TRANSIENT, True)
    policy = one("sendgrid", [events.sendgrid_bounce(reason=POLICY, status="5.7.1")]).finding
    assert not policy.strikes
