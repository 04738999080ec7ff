"""DKIM keys at the desk: made, published, put to work, changed; no page ever has the private half."""

import html
import re
from datetime import timedelta

import httpx2
import pytest

from service.delivery import dkim_keys, dkim_material
from service.delivery.models import DkimKeyState
from service.dependencies import Resources
from service.newsletters.models import Newsletter
from tests.support.clock import HandClock
from tests.unit.delivery.test_dkim_material import pem

PATH = "/desk/dkim"
DOMAIN = "news.example.org"
PEM = pem(dkim_material.new_private_key())
PUBLISHED = {"published": "yes"}


async def take_in(
    ada: httpx2.AsyncClient, selector: str, *, domain: str = DOMAIN, data: bytes = PEM
) -> httpx2.Response:
    fields = {"domain": domain, "selector": selector}
    return await ada.post(f"{PATH}/import", data=fields, files={"file": ("key.pem", data)})


async def test_nobody_looks_without_signing_in(client: httpx2.AsyncClient) -> None:
    assert (await client.get(PATH)).headers["location"].startswith("/desk/sign-in")
    assert (await client.post(PATH, data={"domain": DOMAIN})).headers["location"].startswith("/desk/sign-in")


async def test_from_no_key_to_the_second_one(
    ada: httpx2.AsyncClient, memo: Newsletter, resources: Resources, clock: HandClock
) -> None:
    """`memo` is sent from news.example.org, so its domain is there before any key."""
    page = (await ada.get(PATH)).text
    assert "There is no key, so messages leave unsigned, unless your relay signs them." in page
    made = await ada.post(PATH, data={"domain": DOMAIN, "selector": ""})
    page = html.unescape((await ada.get(made.headers["location"].partition("#")[0])).text)
    (first,) = await resources.database.read(dkim_keys.all_of)
    assert f"{first.selector} of {DOMAIN} is made, and signs nothing yet." in page
    for told in (
        dkim_material.record_name(DOMAIN, first.selector),
        dkim_material.record_text(first.public),
        dkim_material.zone_line(DOMAIN, first.selector, first.public),
    ):
        assert f'value="{told}"' in page or f">{told}</textarea>" in page

    early = await ada.post(f"{PATH}/{DOMAIN}/{first.selector}/activate")
    assert (early.status_code, "Tick the box" in early.text) == (422, True)
    assert await resources.database.read(dkim_keys.active) == {}
    done = await ada.post(f"{PATH}/{DOMAIN}/{first.selector}/activate", data=PUBLISHED)
    assert "are signed with" in (await ada.get(done.headers["location"])).text

    assert (await take_in(ada, "memo2")).status_code == 303
    assert await resources.database.read(dkim_keys.active) == {DOMAIN: first.selector}
    done = await ada.post(f"{PATH}/{DOMAIN}/memo2/activate", data=PUBLISHED)
    assert (
        f"{first.selector} is retired: its record has to stay"
        in (await ada.get(done.headers["location"])).text
    )
    assert await resources.database.read(dkim_keys.active) == {DOMAIN: "memo2"}

    assert f'formaction="{PATH}/{DOMAIN}/{first.selector}/remove"' not in (await ada.get(PATH)).text
    assert (await ada.post(f"{PATH}/{DOMAIN}/{first.selector}/remove")).status_code == 409
    clock.advance(dkim_keys.KEPT_AFTER_RETIRING + timedelta(seconds=1))
    assert f'formaction="{PATH}/{DOMAIN}/{first.selector}/remove"' in (await ada.get(PATH)).text
    gone = await ada.post(f"{PATH}/{DOMAIN}/{first.selector}/remove")
    assert (
        f"Take {first.selector}._domainkey.{DOMAIN} out of the DNS"
        in (await ada.get(gone.headers["location"])).text
    )

    off = await ada.post(f"{PATH}/{DOMAIN}/memo2/retire")
    assert "its messages leave unsigned from now on" in (await ada.get(off.headers["location"])).text
    (left,) = await resources.database.read(dkim_keys.all_of)
    assert left.state is DkimKeyState.RETIRED
    page = (await ada.get(PATH)).text
    assert "PRIVATE" not in page
    assert PEM.decode().splitlines()[1] not in page


@pytest.mark.parametrize(
    ("domain", "selector", "data", "field", "said"),
    [
        ("a b", "memo1", PEM, "domain", "no domain"),
        (DOMAIN, "a b", PEM, "selector", "small letters"),
        (DOMAIN, "", PEM, "selector", "small letters"),
        (DOMAIN, "memo1", b"nothing", "file", "no RSA private key"),
        (DOMAIN, "memo1", b"", "file", "no RSA private key"),
    ],
)
async def test_what_is_wrong_stands_beside_its_field(
    ada: httpx2.AsyncClient, domain: str, selector: str, data: bytes, field: str, said: str
) -> None:
    page = await take_in(ada, selector, domain=domain, data=data)
    assert page.status_code == 422
    assert said in page.text
    assert re.findall(r'name="(\w+)"[^>]*aria-invalid="true"', page.text) == [field]


async def test_a_selector_that_is_taken_and_a_key_that_is_not_there(ada: httpx2.AsyncClient) -> None:
    await take_in(ada, "memo1")
    assert "has a key with that selector already" in (await take_in(ada, "memo1")).text
    page = await ada.post(f"{PATH}/{DOMAIN}/nine/activate", data=PUBLISHED)
    assert page.status_code == 404


async def test_where_the_relay_signs_it_is_said(ada: httpx2.AsyncClient, memo: Newsletter) -> None:
    fields = {"name": "ses", "host": "email-smtp.eu-central-1.amazonaws.com", "user": "AKIA", "password": "x"}
    assert (await ada.post("/desk/relays", data=fields)).status_code == 303
    assert "are not used" not in (await ada.get(PATH)).text
    await ada.post("/desk/relays/ses/role", data={"role": "main"})
    assert "are not used" in (await ada.get(PATH)).text
