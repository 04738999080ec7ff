import httpx2
import pytest
from sqlmodel import Session, select

from service import database
from service.dependencies import Resources
from service.editions.models import Edition
from service.ledger import tallies
from service.ledger.models import Delivery, DeliveryState, Span
from tests.service.desk import steps

REFUSAL = "550 5.1.1 <script>User unknown</script>"


@pytest.fixture
async def sent(ada: httpx2.AsyncClient, resources: Resources, draft: Edition) -> Edition:
    """Begun, and refused for Noor."""
    version = steps.version_on(await ada.get(f"/desk/editions/{draft.uid}/send"))
    await ada.post(f"/desk/editions/{draft.uid}/send", data={"version": version})

    def refuse(session: Session) -> None:
        row = session.exec(select(Delivery).where(Delivery.address == "Noor@example.net")).one()
        row.state, row.reply, row.at, row.attempts = DeliveryState.REFUSED, REFUSAL, database.now(session), 1
        session.add(row)
        session.flush()
        tallies.write(session, session.exec(select(Span)).one())

    await resources.database.write(refuse)
    return draft


async def test_every_delivery_is_listed_with_its_state_and_reason(
    ada: httpx2.AsyncClient, sent: Edition
) -> None:
    page = await ada.get(f"/desk/editions/{sent.uid}/deliveries")
    assert page.status_code == 200
    for address in steps.READERS:
        assert address in page.text
    assert "550 5.1.1" in page.text
    assert "<script>User" not in page.text
    assert "Europe/Berlin" in page.text


@pytest.mark.parametrize(
    "typed",
    ["Noor@example.net", "noor@EXAMPLE.NET", " noor@example.net ", "\u200bnoor@example.net", "<noor@example.net>",
     "mailto:noor@example.net", "noor@example.net.", "noor", "EXAMPLE.net"],
)  # fmt: skip
async def test_nb_20_a_reader_is_found_under_every_spelling(
    ada: httpx2.AsyncClient, sent: Edition, typed: str
) -> None:
    page = await ada.get(f"/desk/editions/{sent.uid}/deliveries", params={"address": typed})
    assert "Noor@example.net" in page.text
    assert "mara@example.org" not in page.text


async def test_a_state_can_be_chosen(ada: httpx2.AsyncClient, sent: Edition) -> None:
    refused = await ada.get(f"/desk/editions/{sent.uid}/deliveries?state=refused")
    assert "Noor@example.net" in refused.text
    assert "mara@example.org" not in refused.text
    held = await ada.get(f"/desk/editions/{sent.uid}/deliveries?state=held")
    assert "No delivery fits" in held.text


@pytest.mark.parametrize("address", ["100%", "_", "nobody@example.org", "'; --"])
async def test_signs_of_a_query_are_only_letters(
    ada: httpx2.AsyncClient, sent: Edition, address: str
) -> None:
    page = await ada.get(f"/desk/editions/{sent.uid}/deliveries", params={"address": address})
    assert page.status_code == 200
    assert "No delivery fits" in page.text


async def test_a_state_that_there_is_not_is_said(ada: httpx2.AsyncClient, sent: Edition) -> None:
    page = await ada.get(f"/desk/editions/{sent.uid}/deliveries?state=delivered")
    assert page.status_code == 422
    assert "There is no delivery state" in page.text


async def test_long_lists_come_in_pages(
    ada: httpx2.AsyncClient, resources: Resources, draft: Edition, sent: Edition
) -> None:
    def grow(session: Session) -> None:
        for number in range(4, 206):
            session.add(
                Delivery(
                    edition_id=sent.id,
                    number=number,
                    subscriber_id=10_000 + number,
                    subscription_id=10_000 + number,
                    address=f"reader{number}@example.org",
                )
            )

    await resources.database.write(grow)
    first = await ada.get(f"/desk/editions/{sent.uid}/deliveries")
    assert "reader100@example.org" in first.text
    assert "reader101@example.org" not in first.text
    assert "after=100" in first.text
    last = await ada.get(f"/desk/editions/{sent.uid}/deliveries?after=200")
    assert "reader205@example.org" in last.text
    assert "after=2" not in last.text


async def test_before_it_leaves_there_are_none(ada: httpx2.AsyncClient, draft: Edition) -> None:
    page = await ada.get(f"/desk/editions/{draft.uid}/deliveries")
    assert "has not begun to leave" in page.text
