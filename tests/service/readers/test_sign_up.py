import html
import re

import httpx2
import pytest

from service import database
from service.dependencies import Resources
from service.events.models import Event
from service.ledger.models import Notice
from service.newsletters.models import Newsletter
from service.subscribers import register
from service.subscribers.models import ConsentEvent, ConsentKind, Cooldown, State, Subscriber
from service.subscribers.signup import version_of
from tests.service.readers import steps
from tests.service.readers.steps import ANNA

SPELLINGS = [
    "User@Example.ORG",
    "user@example.org",
    " user@example.org ",
    "user@example.org\n",
    "\u200buser@example.org",
    "<user@example.org>",
    "mailto:user@example.org",
    "user@example.org.",
]


async def test_page_names_the_newsletter_and_shows_the_words_it_keeps(
    client: httpx2.AsyncClient, memo: Newsletter
) -> None:
    page = await client.get("/n/morning-memo")
    assert page.status_code == 200
    assert memo.name in page.text and memo.description in page.text and memo.postal_address in page.text
    assert page.text.count(memo.consent_wording) == 2  # shown, and sent along with the form
    assert "<script" not in page.text
    assert "set-cookie" not in page.headers
    assert "max-age" in page.headers["cache-control"]


async def test_request_is_stored_with_its_proof_and_its_notice(
    client: httpx2.AsyncClient, resources: Resources, memo: Newsletter
) -> None:
    before = await resources.database.read(database.now)
    page = await steps.sign_up(client, first_name=" Anna ", consent=memo.consent_wording)
    assert page.status_code == 200
    assert "Almost there" in page.text and ANNA in page.text
    held = await steps.subscription(resources)
    assert (held.state, held.revision, held.confirmed_at) == (State.PENDING, 1, None)
    [event] = await steps.rows(resources, ConsentEvent)
    assert (event.kind, event.at) == (ConsentKind.REQUESTED, resources.clock.now())
    assert event.page == "https://news.example.org/n/morning-memo"
    assert (event.wording, event.wording_version) == (memo.consent_wording, version_of(memo.consent_wording))
    [notice] = await steps.rows(resources, Notice)
    assert (notice.kind, notice.address, notice.created_at) == ("confirm", ANNA, resources.clock.now())
    assert notice.due_at is not None
    assert before <= notice.due_at <= await resources.database.read(database.now), (
        "by the clock that will be asked"
    )
    assert notice.payload == {"subscription_uid": str(held.uid), "revision": 1}
    [subscriber] = await steps.rows(resources, Subscriber)
    assert subscriber.first_name == "Anna"


async def test_other_sites_form_says_its_page_and_its_own_words(
    client: httpx2.AsyncClient, resources: Resources, memo: Newsletter
) -> None:
    answer = await client.post(
        "/n/morning-memo",
        files={
            "email": (None, ANNA),
            "page": (None, "http://newsroom.example.net/bakery.html?reader=anna@example.org#form"),
            "consent": (None, "Yes, send me the memo."),
        },
        headers={"Sec-Fetch-Site": "cross-site", "Origin": "http://newsroom.example.net"},
    )
    assert answer.status_code == 200
    [event] = await steps.rows(resources, ConsentEvent)
    assert event.page == "http://newsroom.example.net/bakery.html"
    assert event.wording == "Yes, send me the memo."


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"email": ""}, "Please enter a mail address"),
        ({"email": " \u200b "}, "Please enter a mail address"),
        ({"email": "nobody"}, "not a usable mail address"),
        ({"email": "two words@example.org"}, "not a usable mail address"),
        ({"email": "user\u00a0name@example.org"}, "not a usable mail address"),
        ({"email": "a" * 65 + "@example.org"}, "too long"),
        ({"email": "a@" + "b" * 5000 + ".org"}, "too long"),
        ({"email": "jösé@example.org"}, "letters before the @"),
        ({"email": ANNA + "\nBcc: all@example.org"}, "not a usable mail address"),
        ({"email": ANNA, "first_name": "Anna\r\nBcc: x@example.org"}, "line break"),
        ({"email": ANNA, "first_name": "Anna\x00"}, "control character"),
        ({"email": ANNA, "first_name": "A" * 81}, "too long"),
    ],
)
async def test_what_cannot_be_used_is_shown_again_with_the_reason(
    client: httpx2.AsyncClient, resources: Resources, memo: Newsletter, fields: dict[str, str], says: str
) -> None:
    page = await client.post("/n/morning-memo", data=fields)
    field = "first_name" if "first_name" in fields else "email"
    assert page.status_code == 422
    assert says in html.unescape(page.text)
    assert re.search(rf'id="{field}-problem" role="alert"', page.text)
    assert re.search(rf'id="{field}"[^>]*aria-invalid="true" aria-describedby="{field}-problem"', page.text)
    if fields[field].isprintable() and len(fields[field]) < 300:
        assert f'value="{html.escape(fields[field])}"' in page.text
    assert not await steps.rows(resources, Subscriber)
    assert not await steps.rows(resources, Cooldown)


async def test_both_fields_are_judged_at_once(client: httpx2.AsyncClient, memo: Newsletter) -> None:
    page = await client.post("/n/morning-memo", data={"email": "", "first_name": "A" * 81})
    assert page.text.count('role="alert"') == 2
    assert re.findall(r'id="(\w+)"[^>]*autofocus', page.text) == ["email"], (
        "the page opens at the first of them"
    )


async def test_ten_megabytes_are_refused(
    client: httpx2.AsyncClient, resources: Resources, memo: Newsletter
) -> None:
    page = await client.post("/n/morning-memo", data={"email": "a" * 10_000_000})
    assert page.status_code == 413
    assert not await steps.rows(resources, Subscriber)


async def test_nothing_typed_becomes_markup(client: httpx2.AsyncClient, memo: Newsletter) -> None:
    page = await client.post(
        "/n/morning-memo", data={"email": '"><script>alert(1)</script>', "page": '"><b>', "first_name": "<i>"}
    )
    assert "<script" not in page.text and "<b>" not in page.text and "<i>" not in page.text


async def test_closed_newsletter_says_so_and_stores_nothing(
    client: httpx2.AsyncClient, resources: Resources
) -> None:
    await steps.newsletter(resources, is_open=False)
    page = await client.get("/n/morning-memo")
    assert page.status_code == 200 and "no new readers" in page.text and "<form" not in page.text
    answer = await steps.sign_up(client)
    assert answer.status_code == 409 and "no new readers" in answer.text
    assert not await steps.rows(resources, Subscriber)


@pytest.mark.parametrize("slug", ["weekly", "%00", "MORNING-MEMO", "a" * 300])
async def test_unknown_newsletter_is_a_page_of_its_own(
    client: httpx2.AsyncClient, memo: Newsletter, slug: str
) -> None:
    for answer in (await client.get(f"/n/{slug}"), await client.post(f"/n/{slug}", data={"email": ANNA})):
        assert answer.status_code == 404
        assert "<h1>" in answer.text


async def test_nb_17_no_link_comes_from_the_host_header(
    client: httpx2.AsyncClient, resources: Resources, memo: Newsletter
) -> None:
    forged = {"Host": "evil.example.net", "X-Forwarded-Host": "evil.example.net"}
    for answer in (
        await client.get("/n/morning-memo", headers=forged),
        await client.get("/n/morning-memo/", headers=forged),
        await client.post("/n/morning-memo", data={"email": ANNA}, headers=forged),
    ):
        assert "evil" not in answer.text + str(answer.headers)
    redirect = await client.get("/n/morning-memo/", headers=forged)
    assert redirect.headers["location"] == "https://news.example.org/n/morning-memo"
    stored = [*await steps.rows(resources, ConsentEvent), *await steps.rows(resources, Notice)]
    assert stored and "evil" not in repr(stored)


async def test_nb_20_one_person_under_every_spelling(
    client: httpx2.AsyncClient, resources: Resources, memo: Newsletter
) -> None:
    for spelling in SPELLINGS:
        assert (await steps.sign_up(client, spelling)).status_code == 200, spelling
        found = await resources.database.read(register.find_by_address, spelling)
        assert found is not None
    [subscriber] = await steps.rows(resources, Subscriber)
    assert subscriber.address == "User@example.org"  # the local part as it was first typed (RFC 5321 §2.4)
    assert await steps.notice_count(resources) == 1
    await steps.sign_up(client, "user+tag@example.org")
    assert len(await steps.rows(resources, Subscriber)) == 1, "the same mailbox: its cool-down holds"
    answer = await client.post(await steps.leave_path(resources, "User@example.org"), data=steps.ONE_CLICK)
    assert answer.status_code == 200
    assert await steps.state(resources, "User@example.org") is State.ENDED


async def test_nb_20_a_tag_makes_another_address(
    client: httpx2.AsyncClient, resources: Resources, memo: Newsletter
) -> None:
    await steps.reader(resources, memo, "user@example.org")
    await steps.sign_up(client, "user+tag@example.org")
    assert await steps.state(resources, "user@example.org") is State.ACTIVE
    assert await steps.state(resources, "user+tag@example.org") is State.PENDING


@pytest.mark.parametrize(
    "address", ["user+tag@example.org", "o'brien@example.org", "a&b@example.org", "x%y@example.org"]
)
async def test_nb_53_special_characters_sign_up_confirm_and_leave(
    client: httpx2.AsyncClient, resources: Resources, memo: Newsletter, address: str
) -> None:
    page = await steps.sign_up(client, address)
    assert address in html.unescape(page.text)
    confirm = await steps.confirm_path(resources, address)
    leave = await steps.leave_path(resources, address)
    assert "@" not in confirm + leave and "%" not in confirm + leave and "+" not in confirm + leave
    await client.post(confirm)
    assert await steps.state(resources, address) is State.ACTIVE
    await client.post(leave, data=steps.ONE_CLICK)
    assert await steps.state(resources, address) is State.ENDED


async def test_nb_58_a_domain_in_another_script_is_one_person(
    client: httpx2.AsyncClient, resources: Resources, memo: Newsletter
) -> None:
    for spelling in (
        "user@münchen.example.org",
        "user@xn--mnchen-3ya.example.org",
        "user@mu\u0308nchen.example.org",
    ):
        page = await steps.sign_up(client, spelling)
        assert page.status_code == 200
        assert "user@münchen.example.org" in page.text
    [subscriber] = await steps.rows(resources, Subscriber)
    assert subscriber.address == "user@xn--mnchen-3ya.example.org"


async def test_nb_58_letters_before_the_at_are_refused_with_a_reason(
    client: httpx2.AsyncClient, resources: Resources, memo: Newsletter
) -> None:
    page = await steps.sign_up(client, "jösé@example.org")
    assert page.status_code == 422
    assert "Please enter another address" in page.text


async def test_a_stranger_cannot_rename_a_reader(
    client: httpx2.AsyncClient, resources: Resources, memo: Newsletter
) -> None:
    await steps.reader(resources, memo, first_name="Anna")
    await steps.newsletter(resources, slug="weekly")
    await steps.sign_up(client, first_name="Mallory")
    await client.post("/n/weekly", data={"email": ANNA, "first_name": "Mallory"})
    [subscriber] = await steps.rows(resources, Subscriber)
    assert subscriber.first_name == "Anna"


async def test_events_name_no_address(
    client: httpx2.AsyncClient, resources: Resources, memo: Newsletter
) -> None:
    await steps.sign_up(client)
    await client.post(await steps.confirm_path(resources))
    events = await steps.rows(resources, Event)
    assert {"subscription.requested", "subscription.confirmed"} <= {event.name for event in events}
    assert "anna" not in repr(events).lower()
