"""What Prometheus is told, read back by its own client; who may read it; and that rules and page name what is there."""

import re
import shutil
import subprocess
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
import sqlalchemy as sa
import yaml
from prometheus_client.parser import text_string_to_metric_families
from sqlmodel import Session, col, select

from service import database
from service.app import create_app
from service.articles import polling
from service.deadlines.models import Deadline, Ping
from service.delivery import relays
from service.delivery.models import Relay as RelayRow
from service.dependencies import Resources
from service.editions import occurrences, rhythm
from service.editions.models import Edition, Fate, Occurrence
from service.editions.rhythm import Rhythm
from service.jobs import Kind
from service.ledger import notices
from service.ledger.models import Delivery, DeliveryState, Notice, Run, Span
from service.newsletters.models import Newsletter
from service.tokens import new_uid
from service.worker import Worker
from service.workers import register
from service.workers.models import WorkerProcess
from service.workers.register import GONE_AFTER, Identity
from tests.service.ops.conftest import Visit
from tests.service.relays.steps import let_it_wait_on
from tests.support import publishing
from tests.support.clock import HandClock
from tests.support.outbox import Outbox, open_outbox
from tests.support.relay import Relay

ROOT = Path(__file__).resolve().parents[3]
RULES = ROOT / "docs/alerts/morning-memo.yml"
RULE_TESTS = ROOT / "docs/alerts/morning-memo.test.yml"
TOKEN = "a token for tests only"
READERS = [f"reader{number}@example.org" for number in range(60)]
Samples = dict[tuple[str, ...], float]

# Every label and all that it may say; a process is `host:pid`.
CLOSED_LISTS = {
    "lane": {"notice", "breaking", "scheduled"},
    "kind": {"delivery", "notice"},
    "state": {"accepted", "deferred", "refused", "uncertain", "scheduled", "sending", "paused"},
    "scope": {"account", "connection", "host", "provider", "sender", "recipient", "message", "ours"},
    "standing": {"alive", "gone", "stopped"},
    "newsletter": {"morning-memo"},
    "job": {"span", "notice", "chore", "feed"},
    "relay": set(),
    "process": set(),
    "le": set(),
}


async def scraped(here: httpx2.AsyncClient) -> dict[str, Samples]:
    """By sample name; the values of its labels, in the order of their names, lead to the value."""
    answer = await here.get("/metrics")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    found: dict[str, Samples] = {}
    for family in text_string_to_metric_families(answer.text):
        assert family.documentation
        for sample in family.samples:
            values = tuple(sample.labels[name] for name in sorted(sample.labels))
            assert values not in found.setdefault(sample.name, {}), (sample.name, values)
            found[sample.name][values] = sample.value
    return found


async def everything(resources: Resources, clock: HandClock) -> Outbox:
    """An edition under way, one overdue, a verdict, a relay that waits, a notice, workers alive, gone and stopped."""
    outbox = await open_outbox(resources, READERS)
    moment = clock.now()

    def write(session: Session) -> None:
        now = database.now(session)
        edition = session.get_one(Edition, outbox.edition.id)
        memo = edition.newsletter_id
        edition.started_at = moment + timedelta(seconds=7)
        session.add(edition)
        session.add(
            Occurrence(
                newsletter_id=memo, local_date=edition.local_date, slot=1, due_at=moment, fate=Fate.EDITION,
                edition_id=edition.id, at=moment,
            )
        )  # fmt: skip
        session.add(
            Occurrence(
                newsletter_id=memo, local_date=edition.local_date, slot=2, due_at=moment, fate=Fate.MISSED,
                reason="No edition was ready.", at=moment,
            )
        )  # fmt: skip
        session.add(
            Deadline(
                edition_id=edition.id, newsletter_id=memo, due_at=now, is_met=True, readers=60, in_time=60,
                decided_at=now, ping=Ping.FAILED,
            )
        )  # fmt: skip
        notices.queue(
            session, "confirm", address="ann@example.org", payload={}, now=now - timedelta(seconds=90)
        )
        relays.note_problem(session, "relay.example.org:587", "421 later")
        let_it_wait_on(session, "relay.example.org:587")
        polling.add_feed(
            session, session.get_one(Newsletter, memo), "https://ledger.example.org/feed",
            now=moment - timedelta(seconds=40), actor="test",
        )  # fmt: skip
        _workers(session)

    await resources.database.write(write)
    await resources.jobs.nudge(Kind.SPAN, "span-1")
    return outbox


def _workers(session: Session) -> None:
    figures = {
        "rate": 12.5,
        "accepted": 40,
        "outcomes": {
            "scheduled accepted recipient": 40,
            "scheduled deferred provider": 2,
            "notice refused recipient": 1,
        },
        "writes": {"seconds": 1.5, "counts": [3, 1, *[0] * 10], "retries": 2, "failures": 1, "under_way": 0},
    }
    for number, age in ((1, timedelta(0)), (2, GONE_AFTER * 2), (3, timedelta(hours=1))):
        one = Identity(new_uid(), f"host{number}:7", f"host{number}", 7, "0.1.0")
        register.beat(session, one, figures)
        session.execute(
            sa.update(WorkerProcess)
            .where(col(WorkerProcess.uid) == one.uid)
            .values(seen_at=database.now(session) - age)
        )
    four = Identity(new_uid(), "host4:7", "host4", 7, "0.1.0")
    register.beat(session, four, figures)
    register.end(session, four, figures)


async def test_the_queue_the_workers_and_the_rest_are_told(
    here: httpx2.AsyncClient, resources: Resources, clock: HandClock
) -> None:
    await everything(resources, clock)
    told = await scraped(here)
    assert told["memo_queue_depth"] == {("breaking",): 0, ("scheduled",): 60, ("notice",): 1}
    assert 90 <= told["memo_oldest_waiting_seconds"][("notice",)] < 300
    assert 0 < told["memo_oldest_waiting_seconds"][("delivery",)] < 300
    assert told["memo_jobs_waiting"] == {("span",): 1, ("notice",): 0, ("chore",): 0, ("feed",): 0}
    assert told["memo_feed_overdue_seconds"] == {(): 40}
    assert told["memo_outcomes_total"][("scheduled", "host1:7", "recipient", "accepted")] == 40
    assert told["memo_outcomes_total"][("notice", "host2:7", "recipient", "refused")] == 1
    assert told["memo_handed_over_per_second"] == {("host1:7",): 12.5}
    assert told["memo_workers"] == {("alive",): 1, ("gone",): 2, ("stopped",): 1}
    assert told["memo_worker_tick_age_seconds"][()] < GONE_AFTER.total_seconds()
    assert told["memo_editions"] == {("scheduled",): 0, ("sending",): 1, ("paused",): 0}
    assert told["memo_edition_overdue_seconds"] == {("morning-memo",): 0}
    assert told["memo_edition_began_late_seconds"] == {("morning-memo",): 7}
    assert told["memo_slots_missed"] == {("morning-memo",): 1}
    assert told["memo_edition_in_time"] == {("morning-memo",): 1}
    assert told["memo_ping_failed"] == {("morning-memo",): 1}
    assert told["memo_relay_failures"] == {("relay.example.org:587",): 1}
    assert told["memo_relay_wait_seconds"][("relay.example.org:587",)] > 0
    assert told["memo_database_write_seconds_count"][("host1:7",)] == 4
    assert told["memo_database_write_seconds_sum"][("host1:7",)] == 1.5
    assert told["memo_database_write_seconds_bucket"][("0.005", "host1:7")] == 3
    assert told["memo_database_write_seconds_bucket"][("+Inf", "host1:7")] == 4
    assert told["memo_database_write_retries_total"][("host1:7",)] == 2
    assert told["memo_database_write_failures_total"][("host1:7",)] == 1
    assert ("host3:7",) not in told["memo_database_write_seconds_count"], "gone for too long to be counted"
    assert ("memo_database_lock_waits" in told) is not resources.database.is_sqlite


async def test_no_label_names_a_reader_and_every_value_comes_from_a_short_list(
    here: httpx2.AsyncClient, resources: Resources, clock: HandClock
) -> None:
    await everything(resources, clock)
    answer = await here.get("/metrics")
    assert "example.org" not in answer.text.replace("relay.example.org:587", "")
    for family in text_string_to_metric_families(answer.text):
        for sample in family.samples:
            for label, value in sample.labels.items():
                assert value in CLOSED_LISTS[label] or label in {"relay", "process", "le"}, (
                    sample.name,
                    label,
                    value,
                )


async def test_an_overdue_edition_grows_older_until_it_begins(
    here: httpx2.AsyncClient, resources: Resources, clock: HandClock
) -> None:
    def prepared(session: Session) -> None:
        memo = publishing.newsletter(session, clock.now())
        rhythm.set_cadence(session, memo, Rhythm("weekdays", "07:00", True), now=clock.now(), actor="test")

    await resources.database.write(prepared)
    clock.advance(timedelta(minutes=40))
    assert (await scraped(here))["memo_edition_overdue_seconds"] == {("morning-memo",): 600}
    assert await resources.database.write(occurrences.plan, clock.now()) == []  # nothing new: skipped
    assert (await scraped(here))["memo_edition_overdue_seconds"] == {("morning-memo",): 0}


async def test_what_a_person_stopped_does_not_count_as_waiting(
    here: httpx2.AsyncClient, resources: Resources
) -> None:
    await open_outbox(resources, READERS)
    await resources.database.write(lambda session: session.execute(sa.update(Run).values(stopped="paused")))
    told = await scraped(here)
    assert told["memo_queue_depth"][("scheduled",)] == 60
    assert told["memo_queue_untried"][("scheduled",)] == 0
    assert told["memo_oldest_waiting_seconds"][("delivery",)] == 0


async def test_what_is_put_off_has_been_tried(here: httpx2.AsyncClient, resources: Resources) -> None:
    await open_outbox(resources, READERS)
    assert (await scraped(here))["memo_queue_untried"][("scheduled",)] == 60

    def put_off(session: Session) -> None:
        session.execute(sa.update(Delivery).values(state=DeliveryState.DEFERRED, attempts=1))
        for span in session.exec(select(Span)):
            span.counts = {DeliveryState.DEFERRED.value: span.last - span.first}
            session.add(span)

    await resources.database.write(put_off)
    told = await scraped(here)
    assert told["memo_queue_depth"][("scheduled",)] == 60
    assert told["memo_queue_untried"][("scheduled",)] == 0


async def test_a_used_up_quota_is_a_wait_and_failures_of_long_ago_are_none(
    here: httpx2.AsyncClient, resources: Resources
) -> None:
    def write(session: Session) -> None:
        now = database.now(session)
        session.add(RelayRow(name="resting", rest_until=now + timedelta(hours=2)))
        session.add(RelayRow(name="failing", failures=3, wait_until=now - timedelta(minutes=4)))
        session.add(RelayRow(name="of-old", failures=7, wait_until=now - timedelta(days=2)))

    await resources.database.write(write)
    told = await scraped(here)
    assert 7190 < told["memo_relay_wait_seconds"][("resting",)] <= 7200
    assert told["memo_relay_failures"] == {("failing",): 3, ("of-old",): 0, ("resting",): 0}


async def test_a_worker_counts_what_it_hears(
    here: httpx2.AsyncClient, resources: Resources, relay: Relay
) -> None:
    """Through a real relay that refuses one reader; the figures come by the worker's own row."""
    relay.when(phase="rcpt", recipient="reader7@example.org").reply("550 5.1.1 No such user")
    outbox = await open_outbox(resources, READERS)
    worker = Worker(resources, relay.url)
    async with worker.running():
        await outbox.until_ended(within=60)
    told = await scraped(here)
    assert told["memo_outcomes_total"][("scheduled", worker.name, "recipient", "accepted")] == 59
    assert told["memo_outcomes_total"][("scheduled", worker.name, "recipient", "refused")] == 1
    assert told["memo_queue_depth"][("scheduled",)] == 0
    assert told["memo_database_write_seconds_count"][(worker.name,)] > 0


async def test_a_scrape_reads_no_more_of_an_edition_that_nobody_holds(
    here: httpx2.AsyncClient, resources: Resources
) -> None:
    await open_outbox(resources, READERS)
    await resources.database.write(lambda session: session.execute(sa.delete(Delivery)))
    assert (await scraped(here))["memo_queue_depth"][("scheduled",)] == 60


async def test_an_empty_service_has_metrics_too(here: httpx2.AsyncClient) -> None:
    told = await scraped(here)
    assert told["memo_queue_depth"] == {("breaking",): 0, ("scheduled",): 0, ("notice",): 0}
    assert told["memo_workers"] == {("alive",): 0, ("gone",): 0, ("stopped",): 0}
    assert (await here.head("/metrics")).status_code == 200


async def test_only_this_computer_reads_them_unless_a_token_is_set(
    visitor: Visit, resources: Resources
) -> None:
    for client, address in (
        ("203.0.113.9", "http://127.0.0.1:8300"),
        ("127.0.0.1", "http://news.example.org"),
        ("10.0.0.5", "http://10.0.0.4:8300"),
    ):
        answer = await visitor(client, address).get("/metrics")
        assert answer.status_code == 403, (client, address)
        assert "MEMO_METRICS_TOKEN" in answer.text
        assert "memo_queue_depth" not in answer.text
    forwarded = await visitor().get("/metrics", headers={"X-Forwarded-For": "203.0.113.9"})
    assert forwarded.status_code == 403
    brought = await visitor("203.0.113.9").get("/metrics", headers={"Authorization": "Bearer "})
    assert brought.status_code == 403


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (f"Bearer {TOKEN}", 200),
        (f"bearer {TOKEN}", 200),
        ("Bearer wrong", 401),
        (f"Basic {TOKEN}", 401),
        (None, 401),
        ("Bearer é", 401),
    ],
)
async def test_from_elsewhere_the_token_opens_them(
    resources: Resources, sent: str | None, status: int
) -> None:
    settings = resources.settings.model_copy(update={"metrics_token": TOKEN})
    values: dict[str, Any] = {**vars(resources), "settings": settings}
    app = create_app(Resources(**values))
    transport = httpx2.ASGITransport(app=app, client=("203.0.113.9", 40_000), raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="https://news.example.org") as there:
        headers = {b"Authorization": sent.encode()} if sent else {}
        answer = await there.get("/metrics", headers=headers)
    assert answer.status_code == status
    assert ("memo_queue_depth" in answer.text) is (status == 200)


async def test_rules_and_page_name_only_metrics_that_are_there_and_the_page_all(
    here: httpx2.AsyncClient, resources: Resources, clock: HandClock
) -> None:
    await everything(resources, clock)
    told = set(await scraped(here))
    rules = yaml.safe_load(RULES.read_text("utf-8"))
    named: set[str] = set()
    for rule in (rule for group in rules["groups"] for rule in group["rules"]):
        assert rule["alert"].startswith("Memo")
        assert {"summary", "description"} <= set(rule["annotations"])
        assert rule["labels"]["severity"] in {"page", "ticket"}
        named |= set(re.findall(r"\bmemo_[a-z_]+", rule["expr"]))
    assert len(named) > 10
    only_postgresql = {"memo_database_lock_waits"} if resources.database.is_sqlite else set()
    assert named <= told | only_postgresql
    page = set(
        re.findall(r"^\| `(memo_[a-z_]+)`", (ROOT / "docs/WATCHING.md").read_text("utf-8"), re.MULTILINE)
    )
    families = {re.sub(r"_(?:bucket|count|sum)$", "", name) for name in told if not name.endswith("_created")}
    assert page - only_postgresql == families


def test_promtool_takes_the_rules_where_it_is_installed() -> None:
    if promtool := shutil.which("promtool"):
        for command in (["check", "rules", str(RULES)], ["test", "rules", str(RULE_TESTS)]):
            checked = subprocess.run([promtool, *command], capture_output=True, text=True, check=False)
            assert checked.returncode == 0, checked.stdout + checked.stderr


async def test_an_old_notice_is_the_oldest(here: httpx2.AsyncClient, resources: Resources) -> None:
    def write(session: Session) -> None:
        now = database.now(session)
        for minutes in (1, 20, 5):
            notices.queue(
                session,
                "confirm",
                address="ann@example.org",
                payload={},
                now=now - timedelta(minutes=minutes),
            )
        oldest = session.execute(sa.select(Notice).order_by(col(Notice.created_at)).limit(1)).scalar_one()
        oldest.due_at = None  # settled
        session.add(oldest)

    await resources.database.write(write)
    told = await scraped(here)
    assert told["memo_queue_depth"][("notice",)] == 2
    assert 300 <= told["memo_oldest_waiting_seconds"][("notice",)] < 600
