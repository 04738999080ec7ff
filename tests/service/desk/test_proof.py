"""The proof on an edition's page, and the two buttons that send it again."""

import asyncio
import io

import httpx2
import pytest
import sqlalchemy as sa
from sqlmodel import Session, col

from service import database
from service.dependencies import Resources
from service.editions.models import Edition, State
from service.ledger.models import Delivery, DeliveryState, Run
from service.proofs import checking, seal
from tests.service.desk import steps

ENDED = {
    "mara@example.org": (DeliveryState.ACCEPTED, "250 2.0.0 Ok"),
    "Noor@example.net": (DeliveryState.REFUSED, "554 5.7.1 <b>policy</b>"),
    "ole@example.org": (DeliveryState.HELD, "connection lost after the dot"),
}


async def end(resources: Resources, edition: Edition, rows: dict[str, tuple[DeliveryState, str]]) -> None:
    def record(session: Session) -> None:
        for address, (state, reply) in rows.items():
            session.execute(
                sa.update(Delivery)
                .where(col(Delivery.address) == address)
                .values(state=state, reply=reply, at=database.utc_now(), attempts=1)
            )
        session.execute(sa.update(Run).values(ended_at=database.utc_now(), is_fanned_out=True))
        missing = sum(state is DeliveryState.REFUSED for state, _ in rows.values())
        session.execute(
            sa.update(Edition)
            .where(col(Edition.id) == edition.id)
            .values(state=State.SENT, missing_count=missing, ended_at=database.utc_now())
        )

    await resources.database.write(record)


@pytest.fixture
async def sent(ada: httpx2.AsyncClient, resources: Resources, draft: Edition) -> str:
    """The path of an edition that one reader has, one is missing and one is held."""
    version = steps.version_on(await ada.get(f"/desk/editions/{draft.uid}/send"))
    await ada.post(f"/desk/editions/{draft.uid}/send", data={"version": version})
    await end(resources, draft, ENDED)
    return f"/desk/editions/{draft.uid}"


def main(page: httpx2.Response) -> str:
    return " ".join(page.text.partition("<main")[2].split())


async def test_the_page_says_who_is_missing_and_what_can_be_done(ada: httpx2.AsyncClient, sent: str) -> None:
    page = main(await ada.get(sent))
    assert '<span class="state state-missing">sent, 1 missing</span>' in page
    assert "Of 3 readers subscribed at" in page
    assert "accepted the message for <strong>1</strong>" in page
    assert "Who is missing: 1" in page
    assert "Noor@example.net" in page
    assert "554 5.7.1 &lt;b&gt;policy" in page
    assert "Send to 1 missing reader…" in page
    assert "Held: 1" in page
    for path in ("/desk", "/desk/newsletters/morning-memo"):
        assert "1 missing" in main(await ada.get(path)), path


@pytest.mark.parametrize(("form", "kind"), [("json", "application/json"), ("csv", "text/csv; charset=utf-8")])
async def test_the_proof_is_downloaded_and_genuine(
    ada: httpx2.AsyncClient, sent: str, resources: Resources, form: str, kind: str
) -> None:
    masked = await ada.get(f"{sent}/proof?format={form}")
    whole = await ada.get(f"{sent}/proof?format={form}&addresses=whole")
    for answer in (masked, whole):
        assert answer.headers["content-type"] == kind
        assert "attachment" in answer.headers["content-disposition"]
        assert checking.check(io.BytesIO(answer.content), seal.public_keys(resources.keys)).audience == 3
    assert "Noor@" not in masked.text
    assert "Noor@example.net" in whole.text


async def test_a_proof_needs_somebody_signed_in_and_something_to_prove(
    client: httpx2.AsyncClient, resources: Resources, draft: Edition
) -> None:
    path = f"/desk/editions/{draft.uid}"
    for asked in ("proof", "send-missing", "release-held"):
        assert (await client.get(f"{path}/{asked}")).status_code == 303
    await steps.account(resources)
    await steps.sign_in(client)
    answer = await client.get(f"{path}/proof")
    assert answer.status_code == 409
    assert "nothing to prove yet" in answer.text
    assert "Proof</h2>" not in (await client.get(path)).text


async def test_sending_to_the_missing_asks_first_and_names_their_number(
    ada: httpx2.AsyncClient, resources: Resources, sent: str, draft: Edition
) -> None:
    page = await ada.get(f"{sent}/send-missing")
    assert "Send to 1 reader now" in page.text
    assert (await steps.now_is(resources, draft.uid)).state is State.SENT

    answer = await ada.post(f"{sent}/send-missing")

    assert (answer.status_code, answer.headers["location"]) == (303, sent)
    page = await ada.get(sent)
    assert "on its way to those who were missing" in page.text
    assert '<span class="state state-sending">sending</span>' in page.text
    assert ("edition.sent_to_missing", "Ada Okafor") in await steps.events(resources, draft.uid)


async def test_a_double_click_opens_it_once(ada: httpx2.AsyncClient, sent: str) -> None:
    answers = await asyncio.gather(*(ada.post(f"{sent}/send-missing") for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [303, 409, 409, 409]
    assert "is being sent just now" in next(one for one in answers if one.status_code == 409).text


async def test_releasing_the_held_warns_that_they_may_get_it_twice(
    ada: httpx2.AsyncClient, resources: Resources, sent: str, draft: Edition
) -> None:
    page = await ada.get(f"{sent}/release-held")
    assert "They may get it twice." in page.text
    assert (await ada.post(f"{sent}/release-held")).status_code == 303
    assert ("edition.held_released", "Ada Okafor") in await steps.events(resources, draft.uid)
    assert (await ada.get(f"{sent}/release-held")).status_code == 409


async def test_nobody_missing_is_said(
    ada: httpx2.AsyncClient, resources: Resources, sent: str, draft: Edition
) -> None:
    await end(resources, draft, dict.fromkeys(ENDED, (DeliveryState.ACCEPTED, "250 Ok")))
    page = main(await ada.get(sent))
    assert "Nobody is missing." in page
    assert "for <strong>all</strong>" in page
    assert "send-missing" not in page
    answer = await ada.get(f"{sent}/send-missing")
    assert answer.status_code == 409
    assert "Nobody is missing" in answer.text


async def test_the_missing_are_listed_with_their_reasons(ada: httpx2.AsyncClient, sent: str) -> None:
    page = main(await ada.get(f"{sent}/deliveries?state=missing"))
    assert "Noor@example.net" in page
    assert "mara@example.org" not in page
    assert "ole@example.org" not in page


async def test_a_ledger_that_does_not_add_up_is_said_and_not_proven(
    ada: httpx2.AsyncClient, resources: Resources, sent: str
) -> None:
    lost = sa.delete(Delivery).where(col(Delivery.number) == 2)
    await resources.database.write(lambda session: session.execute(lost))
    assert "does not add up" in main(await ada.get(sent))
    assert (await ada.get(f"{sent}/proof")).status_code == 409
