"""What leaves names its delivery in its envelope, where the relay lets it."""

from dataclasses import replace

from sqlmodel import Session, select

from service.clock import SystemClock
from service.delivery.notice_lane import NoticeLane
from service.delivery.notice_messages import Stationery
from service.delivery.return_paths import Named, ReturnPaths
from service.dependencies import Resources
from service.ledger import notices
from service.ledger.models import Notice
from service.newsletters.models import Newsletter
from tests.support.outbox import office, open_outbox, relay_at, sending
from tests.support.relay import Relay

DOMAIN = "bounces.news.example.org"


def alarm(session: Session, resources: Resources) -> None:
    newsletter = session.exec(select(Newsletter)).one()
    payload = {"subject": "The relay is away", "text": "Nothing leaves."}
    now = resources.clock.now()
    notices.queue(
        session, "alarm", address="desk@example.net", payload=payload, now=now, subject_id=newsletter.id
    )


async def test_each_message_names_its_delivery(resources: Resources, relay: Relay) -> None:
    resources = replace(resources, clock=SystemClock())
    paths = ReturnPaths(resources.keys, DOMAIN)
    outbox = await open_outbox(resources, ["a@example.org", "b@example.org", "c@example.org"])
    at_work = replace(office(resources, relay_at(relay.url)), return_paths=paths)
    async with sending(at_work):
        await outbox.until_ended()
    rows = await outbox.rows()
    found = {one.rcpt_to[0]: paths.read(one.mail_from) for one in relay.received}
    assert found == {address: Named(outbox.edition.id, row.number) for address, row in rows.items()}

    await resources.database.write(alarm, resources)
    stationery = Stationery(resources.keys, resources.templates, "https://news.example.org")
    lane = NoticeLane(at_work, stationery)
    await lane.send_due()
    await lane.close()
    notice = await resources.database.read(lambda session: session.exec(select(Notice)).one())
    assert paths.read(relay.received[-1].mail_from) == Named(notice.id, 0)
    assert b"From: Morning Memo <memo@news.example.org>" in relay.received[-1].data
