"""What came back, in a real browser: figures, a wave to decide about, a letter to read, an address let go again."""

import hashlib
from datetime import date, datetime, timedelta

from playwright.async_api import Browser, Page
from sqlmodel import Session, select

from service.bounces.findings import Form, Kind
from service.bounces.models import Action, Bounce, BounceWave, MailState, ReturnedMail
from service.demo.running import Demo
from service.editions.models import Edition, State
from service.newsletters.models import Newsletter
from service.suppressions import register
from service.suppressions.models import Reason
from tests.e2e.test_relays import look, sign_in
from tests.support.returned_mail import letter

WORDS = "550 5.7.1 … rejected by our policy, see https://mail.example.net/why"
KINDS = (Kind.PERMANENT, Kind.TRANSIENT, Kind.STRIKE, Kind.SENDER, Kind.TRANSIENT, Kind.COMPLAINT)
RULES = (
    "no-such-mailbox",
    "mailbox-full",
    "mailbox-unavailable",
    "sender-refused",
    "host-busy",
    "feedback-abuse",
)


def came_back(session: Session, now: datetime, pepper: str) -> None:
    edition = Edition(
        newsletter_id=session.exec(select(Newsletter)).all()[0].id,
        local_date=date(2026, 3, 2),
        slot=9,
        state=State.SENT,
        version_number=1,
        created_at=now,
    )
    session.add(edition)
    session.add(
        ReturnedMail(
            key="a", source="smtp", rcpt_to="postmaster@bounces.example.org", octets=200, raw=letter("desk@example.org"),
            subject="The ferry", came_at=now, state=MailState.TO_READ, problem="This is no report: somebody wrote a letter.",
        )
    )  # fmt: skip
    session.flush()
    session.add(BounceWave(edition_id=edition.id, words=WORDS, reply=WORDS, found_at=now))
    for number in range(150):
        is_held = number >= 125
        session.add(
            Bounce(
                event=hashlib.sha256(b"%d" % number).hexdigest(),
                at=now - timedelta(days=0 if is_held else number * number % 29),
                source="smtp",
                form=Form.DSN,
                kind=Kind.PERMANENT if is_held else KINDS[number % 6],
                rule="policy" if is_held else RULES[number % 6],
                rule_source="RFC 3463 section 3.2: the mailbox does not exist",
                status="5.1.1",
                reply=WORDS if is_held else "550 5.1.1 no such user here",
                words=WORDS if is_held else "",
                edition_id=edition.id,
                number=number,
                address=f"reader{number}@mail.example.net",
                domain="mail.example.net" if is_held or number % 2 else "example.com",
                matched="return path",
                action=Action.HELD if is_held else Action.SUPPRESSED,
            )
        )
    cause = register.Cause(Reason.BOUNCE, "smtp", "550 5.1.1 no such user here")
    register.suppress(session, "nora@mail.example.net", cause, pepper=pepper, now=now)
    cause = register.Cause(Reason.COMPLAINT, "smtp", "abuse")
    register.suppress(session, "omar@mail.example.net", cause, pepper=pepper, now=now)


async def look_twice(page: Page, name: str) -> None:
    """On a telephone by day, on a wide screen by night."""
    await page.emulate_media(color_scheme="dark")
    await page.set_viewport_size({"width": 1280, "height": 844})
    await look(page, f"{name}-1280-dark")
    await page.emulate_media(color_scheme="light")
    await page.set_viewport_size({"width": 390, "height": 844})
    await look(page, f"{name}-390-light")


async def test_a_person_decides_about_what_came_back(browser: Browser, demo: Demo) -> None:
    held = demo.served.resources
    context = await browser.new_context(viewport={"width": 390, "height": 844}, bypass_csp=True)
    page = await context.new_page()
    await sign_in(page, demo)
    await page.goto(f"{demo.base_url}/desk/bounces")
    await look_twice(page, "bounces-none")
    await held.database.write(came_back, held.clock.now(), held.pepper)
    await page.reload()
    await page.click("summary >> text=By day")
    await look_twice(page, "bounces")

    await page.click("text=Leave them alone")
    assert "Nobody is suppressed for it" in await page.inner_text("[role=status]")
    await page.click("a >> text=The ferry")
    await look_twice(page, "bounces-mail")
    await page.click("text=I have read it")
    assert "The ferry" not in await page.inner_text("main")
    await page.click("table:last-of-type tbody a >> nth=0")
    await look_twice(page, "bounces-one")

    await page.goto(f"{demo.base_url}/desk/bounces/inbox")
    await look_twice(page, "bounces-inbox")
    await page.goto(f"{demo.base_url}/desk/suppressions?address=Nora@Mail.Example.net")
    await page.click("summary >> text=Lift it")
    await look_twice(page, "bounces-suppressions")
    await page.fill("input[name=because]", "She has emptied it.")
    await page.click("button >> text=Lift it")
    assert "lifted" in await page.inner_text("main")
    await page.goto(f"{demo.base_url}/desk/suppressions?address=omar")
    assert await page.locator("text=Lift it").count() == 0
    await context.close()
