"""The address at which relays tell us events. faults.md NB-44, and the third line of what has to be shown of them."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import Session

from service.bounces.hooks import formats, keeping, register, sns
from service.bounces.hooks.models import RelayEvent
from service.delivery import relay_register
from tests.service.hooks.conftest import Hooked
from tests.support import relay_events
from tests.support.clock import HandClock
from tests.support.relay_events import Voice

ALL = [one.key for one in formats.FORMATS]
JSON = {"content-type": "application/json"}


async def test_what_is_told_is_kept_before_the_answer_and_once(hooked: Hooked) -> None:
    for key in ALL:
        await hooked.relay(key)
        await is_kept_once(hooked, key)


async def is_kept_once(hooked: Hooked, key: str) -> None:
    answer = await hooked.tell(key)
    assert (answer.status_code, answer.text) == (200, "Kept.\n")
    (event,) = await hooked.events(key)
    assert (event.recipient, event.kind.value, event.handled_at) == (relay_events.READER, "permanent", None)
    assert (await hooked.hook(key)).heard_at == hooked.resources.clock.now()
    assert (await hooked.tell(key)).status_code == 200
    assert len(await hooked.events(key)) == 1
    assert await hooked.troubles(key) == {}
    assert (
        keeping.finding_of(event) == formats.BY_KEY[key].read(hooked.voice(key).call().body).told[0].finding
    )


async def test_what_is_not_believed_changes_nothing_and_is_counted(hooked: Hooked) -> None:
    await hooked.relay("sendgrid")
    call = hooked.voice("sendgrid").call()
    flipped = call.body.replace(b"mara@", b"noor@")
    for _ in range(3):
        answer = await hooked.post("sendgrid", flipped, dict(call.headers))
        assert answer.status_code == 403
        assert "signature did not match" in answer.text
    old = hooked.voice("sendgrid").call(at=hooked.resources.clock.now() - timedelta(days=2))
    assert (await hooked.post("sendgrid", old.body, dict(old.headers))).status_code == 403
    assert await hooked.events("sendgrid") == []
    assert await hooked.troubles("sendgrid") == {"BAD_SIGNATURE": 3, "STALE": 1}


async def test_of_two_topics_only_the_confirmed_one_is_believed(hooked: Hooked) -> None:
    await hooked.relay("ses")
    now = hooked.resources.clock.now()
    strange = relay_events.sns(relay_events.ses_bounce(), at=now, topic=relay_events.TOPIC + "-of-a-stranger")
    assert (await hooked.tell("ses", strange)).status_code == 403
    assert hooked.amazon.asked == []
    assert (await hooked.tell("ses")).status_code == 200
    assert (await hooked.tell("ses")).status_code == 200
    assert hooked.amazon.asked == [relay_events.CERTIFICATE_URL]
    assert await hooked.troubles("ses") == {"OTHER_TOPIC": 1}


async def test_a_certificate_from_elsewhere_is_never_fetched(hooked: Hooked) -> None:
    await hooked.relay("ses")
    said = json.loads(relay_events.sns(relay_events.ses_bounce(), at=hooked.resources.clock.now()))
    for url in ("https://example.org/SimpleNotificationService-0.pem", "http://169.254.169.254/latest"):
        body = json.dumps(said | {"SigningCertURL": url}).encode()
        assert (await hooked.tell("ses", body)).status_code == 403
    assert hooked.amazon.asked == []


async def test_an_invitation_waits_for_a_person(hooked: Hooked) -> None:
    await hooked.relay("ses")
    await hooked.resources.database.write(
        register.forget_topic, "ses", now=hooked.resources.clock.now(), actor="test"
    )
    assert (await hooked.tell("ses")).status_code == 403
    body = relay_events.sns("Subscribe?", at=hooked.resources.clock.now(), kind=sns.CONFIRMATION)
    assert (await hooked.tell("ses", body)).status_code == 200
    hook = await hooked.hook("ses")
    assert (hook.topic, hook.invited_topic, hook.invited_url) == (
        None,
        relay_events.TOPIC,
        relay_events.SUBSCRIBE_URL,
    )
    assert relay_events.SUBSCRIBE_URL not in hooked.amazon.asked


async def test_a_token_is_good_for_one_event(hooked: Hooked) -> None:
    """Mailgun signs a token and not the event: with one that was seen, anybody on the way could have told anything."""
    await hooked.relay("mailgun")
    now = hooked.resources.clock.now()
    assert (await hooked.tell("mailgun")).status_code == 200
    other = relay_events.mailgun(relay_events.mailgun_event("noor@example.net"), at=now)
    assert (await hooked.tell("mailgun", other)).status_code == 403
    assert (await hooked.tell("mailgun")).status_code == 200
    assert [one.recipient for one in await hooked.events("mailgun")] == [relay_events.READER]
    assert await hooked.troubles("mailgun") == {"TOKEN_SPENT": 1}


NOT_UNDERSTOOD: list[tuple[dict[str, str], bytes, int]] = [
    ({"content-type": "text/html"}, b"{}", 415),
    ({"content-type": "application/x-www-form-urlencoded"}, b"a=b", 415),
    ({"content-type": ""}, b"{}", 415),
    (JSON | {"content-encoding": "gzip"}, b"{}", 415),
    (JSON, b"{", 400),
    (JSON, b"", 400),
    (JSON, b"\x00\xff", 400),
    (JSON | {"content-type": "application/json; charset=utf-8"}, b"[]", 200),
    (JSON, b'{"event": "invented"}', 200),
]


async def test_what_is_not_understood_is_said(hooked: Hooked) -> None:
    await hooked.relay("brevo")
    for headers, body, status in NOT_UNDERSTOOD:
        assert (await hooked.post("brevo", body, headers)).status_code == status, (headers, body)
    assert await hooked.events("brevo") == []
    assert await hooked.troubles("brevo") == {"WRONG_TYPE": 4, "UNREADABLE": 3, "ODD_EVENT": 1}


async def test_ten_megabytes_are_refused_before_they_are_read(hooked: Hooked) -> None:
    await hooked.relay("postmark")
    read = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal read
        for _ in range(100):
            read += 100_000
            yield b"x" * 100_000

    path = hooked.made["postmark"].path
    told = {**JSON, "content-length": "10000000"}
    answer = await hooked.client.post(path, content=endless(), headers=told)
    assert (answer.status_code, "4000 kB" in answer.text) == (413, True)
    answer = await hooked.client.post(path, content=endless(), headers=JSON)  # no length is announced
    assert answer.status_code == 413
    assert await hooked.events("postmark") == []
    batch = json.dumps(
        [relay_events.sparkpost_bounce(f"reader{n}@example.net", pad="x" * 2_500) for n in range(450)]
    )
    await hooked.relay("sparkpost")
    assert (await hooked.post("sparkpost", batch.encode(), JSON)).status_code == 200
    assert len(await hooked.events("sparkpost")) == 450


async def test_without_its_secret_there_is_nothing_here(hooked: Hooked) -> None:
    await hooked.relay("brevo")
    await hooked.relay("mailjet")
    body = hooked.voice("brevo").call().body
    secret = hooked.made["brevo"].secret
    answers = [
        await hooked.client.post(path, content=body, headers=headers)
        for path in (
            "/hooks/brevo/wrong",
            f"/hooks/brevo/{secret[:-1]}",
            f"/hooks/brevo/{secret}x",
            f"/hooks/mailjet/{secret}",
            f"/hooks/nobody/{secret}",
            "/hooks/nobody/nothing",
        )
        for headers in (JSON, {"content-type": "text/html"})
    ]
    assert {(one.status_code, one.text) for one in answers} == {(404, "There is nothing at this address.\n")}
    assert await hooked.events("brevo") == await hooked.events("mailjet") == []
    assert await hooked.troubles("brevo") == {}
    for method in ("GET", "PUT", "DELETE"):
        answer = await hooked.client.request(method, hooked.made["brevo"].path)
        assert answer.status_code == 405
        assert secret not in answer.text


async def test_after_a_new_secret_the_old_one_works_for_as_long_as_was_said(
    hooked: Hooked, clock: HandClock
) -> None:
    await hooked.relay("brevo")
    old = hooked.made["brevo"]
    now = hooked.resources.clock.now()
    write = hooked.resources.database.write
    hooked.made["brevo"] = await write(
        register.renew, "brevo", former_for=timedelta(hours=24), now=now, actor="test"
    )
    assert old.secret != hooked.made["brevo"].secret

    async def statuses() -> list[int]:
        body = hooked.voice("brevo").call().body
        paths = (old.path, hooked.made["brevo"].path)
        return [(await hooked.client.post(path, content=body, headers=JSON)).status_code for path in paths]

    assert await statuses() == [200, 200]
    clock.advance(timedelta(hours=25))
    assert await statuses() == [404, 200]
    before = hooked.made["brevo"]
    await write(register.renew, "brevo", former_for=timedelta(), now=now, actor="test")
    assert (await hooked.client.post(before.path, content=b"[]", headers=JSON)).status_code == 404


async def test_neither_log_nor_table_has_the_secret(hooked: Hooked, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    await hooked.relay("signed")
    await hooked.tell("signed")
    await hooked.tell("signed", b"{}", **{"memo-signature": "t=1,v1=00"})
    hook = await hooked.hook("signed")
    made = hooked.made["signed"]
    ours = [record.getMessage() for record in caplog.records if record.name != "httpx2"]
    shown = repr(ours) + repr(hook.model_dump())
    assert made.secret not in shown
    assert made.key not in shown
    assert made.key.startswith("memo_")


async def test_the_same_batch_by_two_ways_at_once_is_kept_once(hooked: Hooked) -> None:
    await hooked.relay("sendgrid")
    batch = [relay_events.sendgrid_bounce(f"reader{number}@example.net") for number in range(60)]
    bodies = [json.dumps(batch).encode(), json.dumps(batch[::-1]).encode()]
    answers = await asyncio.gather(*(hooked.tell("sendgrid", body) for body in bodies * 2))
    assert {one.status_code for one in answers} == {200}
    assert len(await hooked.events("sendgrid")) == 60


async def test_one_bad_event_in_a_batch_keeps_no_other_out(hooked: Hooked) -> None:
    await hooked.relay("sendgrid")
    batch = [
        {"event": "bounce"},
        relay_events.sendgrid_bounce(),
        7,
        {"event": "invented", "email": "x@example.net"},
    ]
    assert (await hooked.tell("sendgrid", json.dumps(batch).encode())).status_code == 200
    assert len(await hooked.events("sendgrid")) == 1
    assert await hooked.troubles("sendgrid") == {"ODD_EVENT": 3}


async def test_old_events_are_forgotten_once_they_are_handled(hooked: Hooked) -> None:
    await hooked.relay("brevo")
    await hooked.tell("brevo")
    now = hooked.resources.clock.now()
    later = now + keeping.KEPT_FOR + timedelta(days=1)
    write = hooked.resources.database.write
    await write(keeping.forget_old, now=later)
    (event,) = await hooked.events("brevo")

    def handle(session: Session) -> None:
        session.get_one(RelayEvent, event.id).handled_at = now

    await write(handle)
    await write(keeping.forget_old, now=now + timedelta(days=2))
    assert len(await hooked.events("brevo")) == 1
    await write(keeping.forget_old, now=later)
    assert await hooked.events("brevo") == []


async def test_a_relay_goes_with_its_address_and_events(hooked: Hooked) -> None:
    await hooked.relay("brevo")
    await hooked.tell("brevo")
    path = hooked.made["brevo"].path
    await hooked.resources.database.write(
        relay_register.remove, "brevo", now=hooked.resources.clock.now(), actor="test"
    )
    assert (await hooked.client.post(path, content=b"[]", headers=JSON)).status_code == 404
    assert not await hooked.resources.database.read(keeping.is_any_waiting)


def test_a_voice_is_not_believed_with_another_ones_key() -> None:
    """The samples prove something only if they can fail."""
    now = datetime(2026, 11, 26, tzinfo=UTC)
    assert Voice("signed", now).call().headers != Voice("signed", now, secret="another").call().headers
