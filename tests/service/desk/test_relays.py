"""Relays at the desk: entered, tried out, used; what is wrong stands beside the field, and no page ever has the password."""

import re

import httpx2
import pytest

from service.delivery import relay_register, relays, transport
from service.delivery.models import Role
from service.dependencies import Resources
from service.newsletters.models import Newsletter
from tests.service.relays.steps import let_it_wait_on
from tests.support.relay import Relay

PATH = "/desk/relays"
PASSWORD = "a password nobody may see"
FIELDS = {
    "name": "ses", "host": "email-smtp.eu-central-1.amazonaws.com", "port": "", "tls": "required", "user": "AKIA",
    "password": PASSWORD, "profile": "", "connections": "",
}  # fmt: skip


async def _add(ada: httpx2.AsyncClient, relay: Relay, name: str = "near", **changes: str) -> None:
    fields = FIELDS | {
        "name": name, "host": relay.host, "port": str(relay.port), "tls": "none", "user": "", "password": "",
    }  # fmt: skip
    answer = await ada.post(PATH, data=fields | changes)
    assert answer.status_code == 303, answer.text


async def test_nobody_looks_without_signing_in(client: httpx2.AsyncClient) -> None:
    for path in (PATH, f"{PATH}/ses"):
        answer = await client.get(path)
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/desk/sign-in")


async def test_without_a_relay_the_page_says_where_messages_go(ada: httpx2.AsyncClient) -> None:
    page = await ada.get(PATH)
    assert page.status_code == 200
    assert "built-in mailbox" in page.text


async def test_a_relay_is_entered_and_shown_without_its_password(
    ada: httpx2.AsyncClient, memo: Newsletter
) -> None:
    answer = await ada.post(PATH, data=FIELDS)
    assert answer.status_code == 303
    page = await ada.get(answer.headers["location"])
    for text in ("ses is added, and off", "Amazon SES", "587", "STARTTLS, required", "memo@news.example.org"):
        assert text in page.text
    both = page.text + (await ada.get(PATH)).text
    assert PASSWORD not in both
    assert "Nothing leaves." in both


@pytest.mark.parametrize(
    ("changes", "field", "said"),
    [
        ({"name": "Amazon SES"}, "name", "small letters"),
        ({"host": "smtp://x"}, "host", "without smtp://"),
        ({"port": "x"}, "port", "takes a whole number"),
        ({"user": ""}, "user", "needs a user"),
        ({"connections": "9000"}, "connections", "200"),
    ],
)
async def test_what_is_wrong_stands_beside_its_field(
    ada: httpx2.AsyncClient, changes: dict[str, str], field: str, said: str
) -> None:
    page = await ada.post(PATH, data=FIELDS | changes)
    assert page.status_code == 422
    assert said in page.text
    (wrong,) = re.findall(r'name="(\w+)"[^>]*aria-invalid="true"', page.text)
    assert wrong == field
    assert PASSWORD not in page.text


async def test_a_name_that_is_taken_is_said(ada: httpx2.AsyncClient) -> None:
    await ada.post(PATH, data=FIELDS)
    page = await ada.post(PATH, data=FIELDS)
    assert page.status_code == 409
    assert "Choose another name" in page.text


async def test_an_empty_password_keeps_the_one_there_is(
    ada: httpx2.AsyncClient, resources: Resources
) -> None:
    await ada.post(PATH, data=FIELDS)
    before = await resources.database.read(relay_register.get, "ses")
    answer = await ada.post(f"{PATH}/ses", data=FIELDS | {"password": "", "port": "587", "connections": "3"})
    assert answer.status_code == 303, answer.text
    after = await resources.database.read(relay_register.get, "ses")
    assert (after.connections, after.password_box) == (3, before.password_box)
    moved = await ada.post(f"{PATH}/ses", data=FIELDS | {"password": "", "host": "relay.example.net"})
    assert moved.status_code == 422
    assert "Enter it again" in moved.text
    assert 'value="relay.example.net"' in moved.text


async def test_it_is_tried_out_with_a_message(
    ada: httpx2.AsyncClient, resources: Resources, memo: Newsletter, relay: Relay
) -> None:
    relay.when(phase="dot").keep().reply("250 2.0.0 Ok: queued as 4W3qZs6Yl0z9sWk")
    await _add(ada, relay)
    page = await ada.post(f"{PATH}/near/test", data={"to": "ops@example.org", "sender": ""})
    assert page.status_code == 200
    assert "It took the message." in page.text
    assert "4W3qZs6Yl0z9sWk" in page.text
    (received,) = relay.received
    assert (received.mail_from, received.recipient) == ("memo@news.example.org", "ops@example.org")


async def test_a_trial_that_fails_says_what_to_do(
    ada: httpx2.AsyncClient, relay: Relay, memo: Newsletter
) -> None:
    relay.when(phase="mail").reply("530 5.7.0 Authentication required")
    await _add(ada, relay)
    page = await ada.post(f"{PATH}/near/test", data={"to": "ops@example.org"})
    assert "The relay wants us to sign in." in page.text
    assert "530 5.7.0 Authentication required" in page.text
    assert page.text.count("not reached") == 2
    without = await ada.post(f"{PATH}/near/test", data={"to": ""})
    assert "It lets us in." in without.text
    wrong = await ada.post(f"{PATH}/near/test", data={"to": "nobody"})
    assert wrong.status_code == 422
    assert 'value="nobody"' in wrong.text


async def test_without_a_newsletter_the_sender_is_asked_for(ada: httpx2.AsyncClient, relay: Relay) -> None:
    await _add(ada, relay)
    page = await ada.post(f"{PATH}/near/test", data={"to": "ops@example.org"})
    assert page.status_code == 422
    assert "which address the test message comes from" in page.text
    page = await ada.post(
        f"{PATH}/near/test", data={"to": "ops@example.org", "sender": "it@news.example.org"}
    )
    assert "It took the message." in page.text


async def test_roles_are_given_and_taken(ada: httpx2.AsyncClient, resources: Resources, relay: Relay) -> None:
    await _add(ada, relay)
    await _add(ada, relay, "far")
    for name, role in (("near", "main"), ("far", "fallback"), ("far", "main"), ("near", "off")):
        answer = await ada.post(f"{PATH}/{name}/role", data={"role": role})
        assert answer.status_code == 303, answer.text
    rows = await resources.database.read(relay_register.all_of)
    assert {row.name: row.role for row in rows} == {"far": Role.MAIN, "near": Role.OFF}
    refused = await ada.post(f"{PATH}/far/remove")
    assert refused.status_code == 409
    assert (await ada.post(f"{PATH}/near/remove")).status_code == 303
    assert (await ada.get(f"{PATH}/near")).status_code == 404


async def test_the_settings_relay_can_only_be_looked_at(
    ada: httpx2.AsyncClient, resources: Resources
) -> None:
    own = transport.read_address("smtp://relay.example.net:2525", ehlo_name="news.example.org")
    await resources.database.write(relay_register.follow_setting, own)
    page = await ada.get(f"{PATH}/{own.name}")
    assert page.status_code == 200
    assert "MEMO_RELAY_URL" in page.text
    assert (await ada.post(f"{PATH}/{own.name}/role", data={"role": "off"})).status_code == 409
    tried = await ada.post(f"{PATH}/{own.name}/test", data={})
    assert tried.status_code == 409
    assert "started without it" in tried.text


async def test_a_relay_in_trouble_is_told_on_its_page(
    ada: httpx2.AsyncClient, resources: Resources, relay: Relay
) -> None:
    await _add(ada, relay)
    await ada.post(f"{PATH}/near/role", data={"role": "main"})
    await resources.database.write(relays.note_problem, "near", "535 wrong <password>", is_down=True)
    await resources.database.write(let_it_wait_on, "near")
    page = await ada.get(PATH)
    assert "535 wrong &lt;password&gt;" in page.text
    assert "Next try at" in page.text


async def test_its_pace_is_set_and_what_is_wrong_stands_beside_the_field(
    ada: httpx2.AsyncClient, relay: Relay
) -> None:
    await _add(ada, relay)
    answer = await ada.post(f"{PATH}/near/pace", data={"rate": "14", "per_day": "50000"})
    assert answer.status_code == 303
    page = await ada.get(f"{PATH}/near")
    assert "50,000 of 50,000 in 24 hours are left." in page.text
    assert re.search(r'id="rate"[^>]*value="14"', page.text)
    wrong = await ada.post(f"{PATH}/near/pace", data={"rate": "fast", "per_day": "50000"})
    assert wrong.status_code == 422
    assert "Messages a second is a whole number from 1 to 100,000" in wrong.text
    assert re.search(r'id="rate"[^>]*value="fast"[^>]*aria-invalid="true"', wrong.text)


async def test_a_providers_limit_is_set_and_taken_away(ada: httpx2.AsyncClient, relay: Relay) -> None:
    await _add(ada, relay)
    path = f"{PATH}/near/providers"
    wrong = await ada.post(path, data={"provider": "gmail", "provider_rate": "5", "why": "warming up"})
    assert wrong.status_code == 422
    assert "for example gmail.com" in wrong.text
    assert re.findall(r'name="(\w+)"[^>]*aria-invalid="true"', wrong.text) == ["provider"]
    assert 'value="warming up"' in wrong.text
    wrong = await ada.post(path, data={"provider": "gmail.com", "provider_rate": "many"})
    assert re.findall(r'name="(\w+)"[^>]*aria-invalid="true"', wrong.text) == ["provider_rate"]
    answer = await ada.post(path, data={"provider": "gmail.com", "provider_rate": "5", "why": "warming up"})
    assert answer.status_code == 303
    page = (await ada.get(f"{PATH}/near")).text
    for said in (
        "Google gets at most 5 a second.",
        "<strong>Google</strong>: at most 5 a second",
        "warming up",
        "Ada",
    ):
        assert said in page
    assert (await ada.post(f"{path}/lift", data={"provider": "Google"})).status_code == 303
    assert (
        "at most 5 a second"
        not in (await ada.get(f"{PATH}/near")).text.partition("<main")[2].partition('id="providers"')[2]
    )
