import dataclasses
import itertools
from datetime import timedelta

import httpx2
import pytest

from service.accounts import signin
from service.app import create_app
from service.dependencies import Resources
from service.desk import visit
from service.mailbox import store
from service.ops import admission
from tests.service.ops.conftest import Visit
from tests.support.clock import HandClock

PATHS = (
    "/mailbox",
    "/mailbox/list",
    "/mailbox/1",
    "/mailbox/1/html",
    "/mailbox/1/raw",
    "/mailbox/1/message.eml",
)


LOOPBACK_ADDRESSES = ("127.0.0.1", "127.8.0.1", "::1", "::ffff:127.0.0.1")
LOOPBACK_NAMES = ("127.0.0.1:8300", "localhost:8300", "memo.localhost", "[::1]:8300")


@pytest.fixture(autouse=True)
async def _one_message(resources: Resources) -> None:
    await resources.database.write(
        store.keep,
        mail_from="memo@example.org",
        rcpt_tos=["anna@example.org"],
        raw=b"Content-Type: text/html\r\nSubject: A secret\r\n\r\n<p>secret</p>\r\n",
        now=resources.clock.now(),
    )


async def test_this_computer_looks_into_the_mailbox(visitor: Visit) -> None:
    for client, name in itertools.product(LOOPBACK_ADDRESSES, LOOPBACK_NAMES):
        assert (await visitor(client, f"http://{name}").get("/mailbox/1")).status_code == 200, (client, name)
    for path in PATHS:
        assert (await visitor().get(path)).status_code == 200, path


async def test_other_computers_are_told_how_to_get_in(visitor: Visit) -> None:
    for client, path in itertools.product(("203.0.113.9", "10.0.0.1", "2001:db8::1", "unknown"), PATHS):
        answer = await visitor(client).get(path)
        assert answer.status_code == 403, (client, path)
        assert "signed in to the desk" in answer.text
        assert "secret" not in answer.text


async def test_a_foreign_name_that_leads_to_this_computer_opens_nothing(visitor: Visit) -> None:
    for name in (
        "http://rebound.example.net",
        "http://127.0.0.1.example.net",
        "http://localhost.example.net",
    ):
        assert (await visitor(base_url=name).get("/mailbox")).status_code == 403


async def test_what_a_proxy_on_this_computer_passes_on_is_not_local(visitor: Visit) -> None:
    for header in ("X-Forwarded-For", "Forwarded", "X-Real-IP"):
        answer = await visitor().get("/mailbox", headers={header: "203.0.113.9"})
        assert answer.status_code == 403, header


async def test_a_host_header_that_is_no_name_opens_nothing(visitor: Visit) -> None:
    for name in ("[", "[::1", "127.0.0.1@evil.example.net", ""):
        answer = await visitor("127.0.0.1").get("/mailbox", headers={"Host": name})
        assert answer.status_code == 403, name


async def test_a_signed_in_person_looks_in_from_anywhere_until_the_session_ends(
    visitor: Visit, resources: Resources, clock: HandClock
) -> None:
    account = await resources.database.write(
        signin.create_account, "Nora Quist", "nora@example.org", "no hash", now=clock.now()
    )
    secret = await resources.database.write(signin.open_session, account, now=clock.now())
    there = visitor("203.0.113.9", "https://news.example.org")
    there.cookies.set(admission.DESK_COOKIE, secret)

    assert (await there.get("/mailbox/1")).status_code == 200
    clock.advance(signin.SESSION_LASTS + timedelta(seconds=1))
    assert (await there.get("/mailbox/1")).status_code == 403


async def test_the_cookie_is_the_desks() -> None:
    assert admission.DESK_COOKIE == visit.COOKIE


async def test_an_invented_cookie_opens_nothing(visitor: Visit) -> None:
    there = visitor("203.0.113.9")
    there.cookies.set(admission.DESK_COOKIE, "invented")

    assert (await there.get("/mailbox")).status_code == 403


async def test_beside_a_real_relay_there_is_no_mailbox(resources: Resources) -> None:
    settings = resources.settings.model_copy(update={"relay_url": "smtp://relay.example.org"})
    app = create_app(dataclasses.replace(resources, settings=settings))
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:8300") as here:
        for path in PATHS:
            answer = await here.get(path)
            assert answer.status_code == 404, path
            assert "secret" not in answer.text
