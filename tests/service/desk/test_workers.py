import httpx2
import sqlalchemy as sa
from sqlmodel import Session, col

from service import database
from service.deadlines.models import Deadline, Ping
from service.dependencies import Resources
from service.editions.models import Edition, Fate, Occurrence
from service.newsletters import publication
from service.newsletters.models import Newsletter
from service.tokens import new_uid
from service.workers import register
from service.workers.models import WorkerProcess
from service.workers.register import GONE_AFTER, Identity
from tests.support.outbox import open_outbox

PATH = "/desk/newsletters/morning-memo"


async def a_worker(resources: Resources, name: str, **figures: object) -> None:
    one = Identity(new_uid(), name, name, 7, "0.1.0")
    await resources.database.write(register.beat, one, dict(figures))


def silent(session: Session) -> None:
    session.execute(sa.update(WorkerProcess).values(seen_at=database.now(session) - 2 * GONE_AFTER))


async def test_nobody_has_worked_yet(ada: httpx2.AsyncClient) -> None:
    page = await ada.get("/desk/workers")
    assert page.status_code == 200
    assert "No worker yet" in page.text
    assert "memo serve" in page.text


async def test_who_is_alive_and_who_is_gone_is_shown(ada: httpx2.AsyncClient, resources: Resources) -> None:
    await a_worker(resources, "one.example.org:7", rate=9.0, accepted=100)
    await resources.database.write(silent)
    page = await ada.get("/desk/workers")
    assert "Gone without a word since" in page.text
    assert "No worker is at work" in page.text
    await a_worker(resources, "two.example.org:8", rate=41.5, accepted=1234)
    page = await ada.get("/desk/workers")
    assert "No worker is at work" not in page.text
    assert page.text.index("two.example.org:8") < page.text.index("one.example.org:7")
    for text in ("1 worker at work, 41.5 messages a second", "1,234", "state-alive", "state-gone"):
        assert text in page.text


async def test_a_relay_that_one_worker_alone_cannot_use_is_shown(
    ada: httpx2.AsyncClient, resources: Resources
) -> None:
    await a_worker(resources, "one.example.org:7", standing_by={"main": "nobody <listens> there"})
    page = await ada.get("/desk/workers")
    assert "It cannot use the relay main, and stands by while others get through" in page.text
    assert "nobody &lt;listens&gt; there" in page.text


async def test_what_a_worker_holds_is_shown(ada: httpx2.AsyncClient, resources: Resources) -> None:
    outbox = await open_outbox(resources, [f"reader{number}@example.org" for number in range(20)])
    await a_worker(resources, "one.example.org:7")
    await resources.database.write(_hold)
    page = await ada.get("/desk/workers")
    assert f"/desk/editions/{outbox.edition.uid}" in page.text
    assert "readers 1 to 20, 2 being handed over" in page.text


async def test_only_people_signed_in_see_them(client: httpx2.AsyncClient) -> None:
    answer = await client.get("/desk/workers")
    assert (answer.status_code, answer.headers["location"]) == (303, "/desk/sign-in?next=/desk/workers")


async def test_a_deadline_and_a_watcher_are_set(
    ada: httpx2.AsyncClient, resources: Resources, memo: Newsletter
) -> None:
    page = await ada.get(PATH)
    assert (
        'name="minutes" type="number" inputmode="numeric" min="1" max="1440" required value="30"' in page.text
    )
    url = "https://watch.example.org/ping/0b8a6c1e"
    answer = await ada.post(f"{PATH}/deadline", data={"minutes": "45", "ping_url": f" {url} "})
    assert (answer.status_code, answer.headers["location"]) == (303, f"{PATH}#deadline")
    kept = await resources.database.read(publication.get, memo.slug)
    assert (publication.handed_over_within(kept).total_seconds(), publication.ping_url(kept)) == (
        45 * 60,
        url,
    )
    page = await ada.get(PATH)
    assert 'value="45"' in page.text
    assert f'value="{url}"' in page.text
    await ada.post(f"{PATH}/deadline", data={"minutes": "45", "ping_url": ""})
    assert publication.ping_url(await resources.database.read(publication.get, memo.slug)) is None


async def test_what_cannot_be_is_said_and_stays_in_the_form(
    ada: httpx2.AsyncClient, resources: Resources, memo: Newsletter
) -> None:
    for minutes, url, says in (
        ("0", "", "is at least 1"),
        ("2000", "", "is at most 1440"),
        ("soon", "", "takes a whole number"),
        ("", "", "takes a whole number"),
        ("30", "ftp://watch.example.org/x", "starts with https://"),
        ("30", "https://me:secret@watch.example.org/x", "Leave out the part before the @"),
        ("30", "nonsense", "is no web address"),
    ):
        page = await ada.post(f"{PATH}/deadline", data={"minutes": minutes, "ping_url": url})
        assert page.status_code == 422, (minutes, url)
        assert says in page.text
        assert f'value="{url}"' in page.text
    kept = await resources.database.read(publication.get, memo.slug)
    assert publication.details_of(kept).deadline_minutes == 30


async def test_progress_says_by_when_and_afterwards_whether_it_was(
    ada: httpx2.AsyncClient, resources: Resources
) -> None:
    outbox = await open_outbox(resources, ["mara@example.org"])
    path = f"/desk/editions/{outbox.edition.uid}/progress"
    assert "handed over by" not in (await ada.get(path)).text
    await resources.database.write(_in_a_slot, outbox.edition.id)
    assert "To be handed over by" in (await ada.get(path)).text
    await resources.database.write(_decided, outbox.edition.id)
    assert "In time: 1 of 1 handed over before" in (await ada.get(path)).text
    page = await ada.get(PATH)
    assert "Last edition: in time, 1 of 1" in page.text
    assert "The watcher was not called: it answers 503" in page.text


def _hold(session: Session) -> None:
    session.execute(
        sa.text(
            "UPDATE span SET holder = 'one.example.org:7', renewed_at = :now, in_flight = '[1, 2]'"
        ).bindparams(sa.bindparam("now", database.now(session), type_=database.UtcDateTime()))
    )


def _in_a_slot(session: Session, edition_id: int) -> None:
    edition, now = session.get_one(Edition, edition_id), database.now(session)
    session.add(
        Occurrence(
            newsletter_id=edition.newsletter_id, local_date=edition.local_date, slot=edition.slot, due_at=now,
            fate=Fate.EDITION, edition_id=edition.id, at=now,
        )
    )  # fmt: skip


def _decided(session: Session, edition_id: int) -> None:
    edition, now = session.get_one(Edition, edition_id), database.now(session)
    session.add(
        Deadline(
            edition_id=edition.id, newsletter_id=edition.newsletter_id, due_at=now, is_met=True, readers=1,
            in_time=1, decided_at=now, ping=Ping.FAILED, ping_problem="it answers 503",
        )
    )  # fmt: skip
    assert session.execute(sa.select(col(Deadline.edition_id))).scalar_one() == edition_id
