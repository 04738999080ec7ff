"""Bounces at the desk: what is shown, what a person decides, and that no page has the mailbox's secret."""

import httpx2
from sqlmodel import select

from service.bounces import keeping
from service.bounces.findings import Kind
from service.bounces.inbox import InboxReader
from service.bounces.keeping import Brought
from service.bounces.models import BounceWave, ReturnedMail
from service.dependencies import Resources
from service.suppressions.models import Suppression
from tests.service.bounces.steps import desk_of, means_of
from tests.support.returned_mail import letter

PATH = "/desk/bounces"
SECRET = "a secret nobody may see"
INBOX = {
    "host": "imap.example.org",
    "port": "",
    "tls": "implicit",
    "user": "bounces@example.org",
    "secret": SECRET,
}


async def test_nobody_looks_without_signing_in(client: httpx2.AsyncClient) -> None:
    for path in (PATH, f"{PATH}/inbox", "/desk/suppressions"):
        assert (await client.get(path)).status_code == 303


async def test_a_wave_is_shown_and_decided(ada: httpx2.AsyncClient, resources: Resources) -> None:
    readers = [f"reader{number}@example.org" for number in range(21)]
    desk = await desk_of(resources, readers)
    for address in readers[:20]:
        await desk.tell(
            Kind.PERMANENT, await desk.named(address), rule="no-such-mailbox", text="550 <b>no</b>"
        )
    await desk.tell(Kind.COMPLAINT, await desk.named(readers[20]), rule="feedback-abuse")
    page = (await ada.get(PATH)).text
    for said in ("20 readers refused", "&lt;b&gt;no&lt;/b&gt;", "no-such-mailbox", "4.762 %", "example.org"):
        assert said in page, said
    held = await resources.database.read(lambda session: session.exec(select(BounceWave)).one())
    answer = await ada.post(f"{PATH}/waves/{held.uid}", data={"suppress": "true"})
    assert answer.status_code == 303
    assert await desk.suppression(readers[0]) is not None
    assert (await ada.post(f"{PATH}/waves/{held.uid}", data={"suppress": "false"})).status_code == 409
    (first, *_) = await desk.bounces()
    assert "see the entry" in (await ada.get(f"{PATH}/{first.uid}")).text


async def test_a_mail_is_shown_as_it_came_and_runs_nothing(
    ada: httpx2.AsyncClient, resources: Resources
) -> None:
    raw = letter("desk@example.org") + b"<script>alert(1)</script>\xff\x00"
    await resources.database.write(keeping.keep, Brought("pipe", raw), now=resources.clock.now())
    await InboxReader(resources.database, resources.clock, means_of(resources)).look()
    assert "The ferry" in (await ada.get(PATH)).text
    mail = await resources.database.read(lambda session: session.exec(select(ReturnedMail)).one())
    page = (await ada.get(f"{PATH}/mail/{mail.uid}")).text
    assert "the ferry leaves at eleven" in page
    assert "&lt;script&gt;" in page and "<script>alert" not in page
    assert (await ada.post(f"{PATH}/mail/{mail.uid}/read")).status_code == 303
    assert "The ferry" not in (await ada.get(PATH)).text


async def test_a_mailbox_is_entered_without_its_secret_coming_back(
    ada: httpx2.AsyncClient, resources: Resources
) -> None:
    wrong = await ada.post(f"{PATH}/inbox", data=INBOX | {"host": "imap://x"})
    assert wrong.status_code == 422 and "without imap://" in wrong.text and SECRET not in wrong.text
    assert (await ada.post(f"{PATH}/inbox", data=INBOX)).status_code == 303
    page = (await ada.get(f"{PATH}/inbox")).text
    assert "imap.example.org" in page and "993" in page and SECRET not in page
    moved = await ada.post(f"{PATH}/inbox", data=INBOX | {"host": "evil.example.net", "secret": ""})
    assert moved.status_code == 422 and "Enter the password" in moved.text
    assert (await ada.post(f"{PATH}/inbox/forget")).status_code == 303
    assert "No mailbox is fetched" in (await ada.get(PATH)).text


async def test_a_suppression_says_why_and_is_lifted_with_a_reason(
    ada: httpx2.AsyncClient, resources: Resources
) -> None:
    desk = await desk_of(resources, ["nora@example.org", "omar@example.org"])
    await desk.tell(Kind.PERMANENT, await desk.named("nora@example.org"), text="5.1.1 no such user")
    await desk.tell(Kind.COMPLAINT, await desk.named("omar@example.org"), feedback="abuse")
    page = (await ada.get("/desk/suppressions", params={"address": "NORA@Example.org"})).text
    assert "no such user" in page and "omar@" not in page
    nora, omar = await resources.database.read(
        lambda session: list(session.exec(select(Suppression).order_by("id")))
    )
    empty = await ada.post(f"/desk/suppressions/{nora.id}/lift", data={"because": " "})
    assert empty.status_code == 422
    theirs = await ada.post(f"/desk/suppressions/{omar.id}/lift", data={"because": "please"})
    assert theirs.status_code == 409
    lifted = await ada.post(f"/desk/suppressions/{nora.id}/lift", data={"because": "She has emptied it."})
    assert lifted.status_code == 303
    assert "She has emptied it." in (await ada.get("/desk/suppressions")).text
    assert await desk.suppression("nora@example.org") is None
    assert await desk.suppression("omar@example.org") is not None
    added = await ada.post("/desk/suppressions", data={"address": "iris@example.org", "evidence": "By phone"})
    assert added.status_code == 303
    assert (await ada.post("/desk/suppressions", data={"address": "iris", "evidence": ""})).status_code == 422
