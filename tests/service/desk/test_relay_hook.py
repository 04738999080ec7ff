"""A relay's address for events at the desk: shown once, set up, and what was heard or not believed there."""

import re
from datetime import timedelta

import httpx2

from service.bounces.hooks import register, sns
from service.bounces.hooks.calls import Trouble
from service.dependencies import Resources
from service.newsletters.models import Newsletter
from tests.service.hooks.conftest import Hooked
from tests.service.hooks.conftest import hooked as hooked
from tests.support import relay_events

PATH = "/desk/relays/{}/hook"
ADDRESS = re.compile(r">https://news\.example\.org(/hooks/[a-z-]+/[\w-]{43})<")


async def _add(ada: httpx2.AsyncClient, name: str, host: str) -> None:
    fields = {"name": name, "host": host, "tls": "none"}
    assert (await ada.post("/desk/relays", data=fields)).status_code == 303


async def _made(ada: httpx2.AsyncClient, name: str, **fields: str) -> str:
    page = await ada.post(PATH.format(name), data=fields)
    assert page.status_code == 200
    (path,) = ADDRESS.findall(page.text)
    return str(path)


async def test_nobody_looks_without_signing_in(client: httpx2.AsyncClient) -> None:
    answer = await client.get(PATH.format("ses"))
    assert (answer.status_code, answer.headers["location"].partition("?")[0]) == (303, "/desk/sign-in")


async def test_an_address_is_shown_once_and_a_new_one_takes_its_place(
    ada: httpx2.AsyncClient, memo: Newsletter
) -> None:
    await _add(ada, "post", "smtp-broadcasts.postmarkapp.com")
    assert PATH.format("post") in (await ada.get("/desk/relays/post")).text
    page = await ada.get(PATH.format("post"))
    assert 'value="postmark" selected' in page.text
    first = await _made(ada, "post", format="postmark")
    again = await ada.get(PATH.format("post"))
    assert first.rpartition("/")[2] not in again.text
    assert "Spam Complaint and Subscription Change" in again.text
    page = await ada.post(PATH.format("post"), data={"format": "postmark"})
    assert (page.status_code, "Give it a new secret" in page.text) == (409, True)
    page = await ada.post(PATH.format("post") + "/renew", data={"former": "24"})
    (second,) = ADDRESS.findall(page.text)
    assert second != first
    assert "works until" in page.text
    for path in (first, second):
        answer = await ada.post(path, content=b"[]", headers={"content-type": "application/json"})
        assert answer.status_code == 200
    answer = await ada.post(PATH.format("post") + "/remove")
    assert answer.status_code == 303
    assert (
        await ada.post(second, content=b"[]", headers={"content-type": "application/json"})
    ).status_code == 404


async def test_a_key_is_entered_and_a_wrong_one_is_said_beside_its_field(
    ada: httpx2.AsyncClient, memo: Newsletter
) -> None:
    await _add(ada, "grid", "smtp.sendgrid.net")
    await _made(ada, "grid")
    assert "nothing is believed" in (await ada.get(PATH.format("grid"))).text
    page = await ada.post(PATH.format("grid") + "/key", data={"key": "no key"})
    assert (page.status_code, "Copy the whole" in page.text) == (422, True)
    assert re.search(r'name="key"[^>]*aria-invalid="true"', page.text)
    answer = await ada.post(PATH.format("grid") + "/key", data={"key": relay_events.public_key()})
    assert answer.status_code == 303
    page = await ada.get(PATH.format("grid"))
    assert relay_events.public_key() not in page.text
    assert "nothing is believed" not in page.text


async def test_events_and_refusals_are_shown(
    ada: httpx2.AsyncClient, memo: Newsletter, resources: Resources
) -> None:
    await _add(ada, "brevo", "smtp-relay.brevo.com")
    path = await _made(ada, "brevo", format="signed")
    hook = await resources.database.read(register.of_relay, "brevo")
    assert hook is not None
    now = resources.clock.now()
    for minutes in range(12):
        at = now - timedelta(minutes=12 - minutes)
        await resources.database.write(register.note, hook.id, Trouble.BAD_SIGNATURE, now=at)
    await ada.post(path, content=b"{", headers={"content-type": "application/json"})
    page = await ada.get(PATH.format("brevo"))
    assert re.search(r"signature did not match, 12 times since", page.text)
    assert "it carried no signature" in page.text


async def test_a_topic_is_believed_when_a_person_has_confirmed_it(
    ada: httpx2.AsyncClient, hooked: Hooked, memo: Newsletter
) -> None:
    await hooked.relay("ses")
    held = hooked.resources
    await held.database.write(register.forget_topic, "ses", now=held.clock.now(), actor="test")
    invitation = relay_events.sns("Subscribe?", at=held.clock.now(), kind=sns.CONFIRMATION)
    assert (await hooked.tell("ses", invitation)).status_code == 200
    page = await ada.get(PATH.format("ses"))
    assert relay_events.TOPIC in page.text
    assert relay_events.SUBSCRIBE_URL not in hooked.amazon.asked
    answer = await ada.post(PATH.format("ses") + "/confirm")
    assert answer.status_code == 303
    assert hooked.amazon.asked[-1] == relay_events.SUBSCRIBE_URL
    assert (await hooked.tell("ses")).status_code == 200
    page = await ada.get(PATH.format("ses"))
    assert relay_events.READER in page.text
    assert "not handled yet" in page.text
    assert (await ada.post(PATH.format("ses") + "/confirm")).status_code == 409
    assert (await ada.post(PATH.format("ses") + "/forget")).status_code == 303
    assert (await hooked.tell("ses")).status_code == 403
