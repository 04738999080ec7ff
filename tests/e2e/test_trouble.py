"""Four broken relays before one edition, as an editor sees them: it waits or pauses with a reason, and in the end all have it."""

import sqlalchemy as sa
from playwright.async_api import Browser, Page
from sqlmodel import Session, col, select

from service.backups import standstill
from service.bounces.models import Bounce
from service.delivery import relay_register
from service.delivery.models import Relay as RelayRow
from service.delivery.models import Role
from service.delivery.relay_details import RelayDetails
from service.demo import sample, tour
from service.demo.running import Demo
from service.dependencies import Resources
from service.ledger.models import Delivery
from service.newsletters import publication
from service.suppressions.models import Suppression
from tests.e2e.test_relays import look, sign_in
from tests.e2e.test_tour import PATIENCE_SECONDS
from tests.support.outbox import add_readers
from tests.support.relay import Relay

READERS = 40
ALL = READERS + len(sample.READERS)
DEAD = "The relay does not take messages"
TRIED_MOST = 20
CONNECTIONS = 4
PATIENCE_MS = PATIENCE_SECONDS * 1_000
SIGN_IN = "530 5.7.0 Authentication required"
QUOTA = "550 5.4.5 Daily user sending limit exceeded"
MAP_LOST = "550 5.1.1 User unknown in virtual mailbox table"


def enter(session: Session, resources: Resources, relay: Relay) -> None:
    """A relay that nobody can reach yet is the main one, and forty more readers wait for the memo."""
    now, keys = resources.clock.now(), resources.keys
    details = RelayDetails(name="near", host=relay.host, port=relay.port, tls="none", connections=CONNECTIONS)
    relay_register.add(session, details, password="", keys=keys, now=now, actor="test")
    relay_register.give_role(session, "near", Role.MAIN, now=now, actor="test")
    newsletter = publication.get(session, sample.SLUG)
    wires = [f"reader{number}@example.org" for number in range(READERS)]
    add_readers(session, newsletter, wires, pepper=resources.pepper, now=now)


def tried_at_once(session: Session) -> None:
    """As if its wait were over."""
    session.execute(sa.update(RelayRow).where(col(RelayRow.name) == "near").values(wait_until=None))


def struck(session: Session) -> int:
    found = [session.exec(select(sa.func.count()).select_from(one)).one() for one in (Bounce, Suppression)]
    return sum(found)


def tries(session: Session) -> int:
    return int(session.execute(sa.select(sa.func.sum(col(Delivery.attempts)))).scalar_one())


async def nobody() -> Relay:
    """Its port is known, and nobody listens there."""
    relay = Relay()
    await relay.start()
    await relay.stop()
    return relay


async def send(demo: Demo, page: Page) -> None:
    """An edition is on its way, and its page open."""
    edition = await tour._new_edition(demo, {"automatic": True})
    await tour._post(demo, f"/editions/{edition}/send", {}, "sent")
    await page.goto(f"{demo.base_url}/desk/editions/{edition}")


async def becomes(demo: Demo, relay: Relay, page: Page, reply: str, phase: str) -> None:
    relay.forget_rules()
    relay.when(phase=phase).reply(reply)
    await demo.served.resources.database.write(tried_at_once)
    await page.wait_for_selector(f".notice:has-text('{reply[4:]}')", timeout=PATIENCE_MS)


async def test_an_edition_before_four_broken_relays_waits_with_a_reason_and_loses_nobody(
    browser: Browser, demo: Demo
) -> None:
    held = demo.served.resources
    relay = await nobody()
    await held.database.write(enter, held, relay)
    context = await browser.new_context(viewport={"width": 390, "height": 844}, bypass_csp=True)
    page = await context.new_page()
    await sign_in(page, demo)
    await send(demo, page)
    await page.wait_for_selector(f".notice-bad:has-text('{DEAD}')", timeout=PATIENCE_MS)
    said = await page.inner_text(".notice-bad")
    assert f"{ALL} messages wait and will leave by themselves." in said
    assert (
        f"nothing listens at port {relay.port} of {relay.host}. Check host and port on the page Relays"
        in said
    )
    await look(page, "trouble-dead-390")

    await relay.start()
    await becomes(demo, relay, page, SIGN_IN, "mail")
    await page.set_viewport_size({"width": 1280, "height": 844})
    await page.emulate_media(color_scheme="dark")
    await becomes(demo, relay, page, QUOTA, "rcpt")
    await look(page, "trouble-quota-1280-dark")
    assert relay.received == []
    assert await held.database.read(tries) == 0, (
        "no reader is counted as tried for what is the relay's own matter"
    )

    await becomes(demo, relay, page, MAP_LOST, "rcpt")
    await page.wait_for_selector(".page-head .state-paused", timeout=PATIENCE_MS)
    said = await page.inner_text(".notice-warn")
    assert "The relay gave 20 readers the same refusal" in said
    assert "Once it is mended, resume: those refused are tried again." in said
    assert "leave by themselves" not in await page.inner_text(".notice-bad"), (
        "paused, nothing leaves by itself"
    )
    await look(page, "trouble-paused-1280-dark")
    assert await held.database.read(tries) <= TRIED_MOST + CONNECTIONS

    relay.forget_rules()
    await page.click("main button:has-text('Resume')")
    await page.wait_for_selector(".page-head .state-sent", timeout=PATIENCE_MS)
    assert len({one.recipient for one in relay.received}) == len(relay.received) == ALL
    assert await held.database.read(struck) == 0
    await relay.stop()
    await held_after_a_restore(demo, page)
    await context.close()


async def held_after_a_restore(demo: Demo, page: Page) -> None:
    """Every page says so, and the page it leads to does not say it twice."""
    held = demo.served.resources
    await held.database.write(standstill.begin, "A copy was put back.", now=held.clock.now(), actor="test")
    await page.goto(f"{demo.base_url}/desk")
    await look(page, "held-1280-dark")
    await page.click("text=Look and decide")
    await page.wait_for_selector("text=Go on sending")
    assert await page.locator("text=A copy was put back.").count() == 1
    await page.set_viewport_size({"width": 390, "height": 844})
    await look(page, "recovery-390-dark")
