"""Who is entered, who is not, and what is kept of why."""

import pytest
from sqlmodel import Session

from service.dependencies import Resources
from service.imports import register
from service.imports.looking import Look
from service.imports.models import ReaderImport
from service.imports.register import ConsentUnsaid, ImportNotFound, NothingToBringIn
from service.imports.wishes import Wishes
from service.newsletters.models import Newsletter
from service.subscribers import optout
from service.subscribers import register as subscribers
from service.subscribers.models import ConsentKind, Subscription
from service.subscribers.models import State as Subscribed
from service.subscribers.register import NewReader
from service.suppressions import register as suppressions
from service.suppressions.models import Reason
from service.suppressions.register import Cause
from tests.service.desk import steps as newsroom
from tests.service.imports import steps
from tests.service.imports.steps import CONSENT, Reader
from tests.support.clock import HandClock

LIST = "email;first name\n{}\n"


async def subscribe(resources: Resources, memo: Newsletter, address: str, state: Subscribed) -> Subscription:
    return await resources.database.write(
        subscribers.add, memo, NewReader(address, None, state, "on paper"), actor="test", pepper=resources.pepper,
        now=resources.clock.now(),
    )  # fmt: skip


async def suppress(resources: Resources, address: str) -> None:
    cause = Cause(Reason.BOUNCE, "test")
    await resources.database.write(
        suppressions.suppress, address, cause, pepper=resources.pepper, now=resources.clock.now()
    )


async def test_new_readers_are_active_at_once_with_the_proof_of_their_consent(
    resources: Resources, clock: HandClock
) -> None:
    memo = await newsroom.newsletter(resources)
    done = await steps.bring_in(resources, memo, LIST.format("Ada@Example.org;Ada\n\nole@example.org;"))

    assert await steps.readers(resources) == [
        Reader("Ada@example.org", "Ada", "active"),
        Reader("ole@example.org", None, "active"),
    ]
    assert done.counts == {"added": 2}
    first, second = await steps.consents(resources)
    assert (first.kind, first.method, first.wording, first.at) == (
        ConsentKind.ADDED,
        "Ada Okafor",
        CONSENT,
        clock.now(),
    )
    assert {first.page, second.page} == {"list.csv, line 2", "list.csv, line 4"}
    assert await steps.files(resources) == 0
    found = await newsroom.events(resources, done.uid)
    assert found == [("import.started", "Ada Okafor"), ("import.done", "the worker")]


async def test_who_was_there_stays_as_they_were_and_nobody_is_revived(resources: Resources) -> None:
    memo = await newsroom.newsletter(resources)
    await subscribe(resources, memo, "reads@example.org", Subscribed.ACTIVE)
    await subscribe(resources, memo, "asked@example.org", Subscribed.PENDING)
    gone = await subscribe(resources, memo, "Left@example.org", Subscribed.ACTIVE)
    await resources.database.write(optout.end, gone.uid, method="test", now=resources.clock.now())
    await suppress(resources, "Back@example.org")
    before = await steps.consents(resources)

    done = await steps.bring_in(
        resources,
        memo,
        LIST.format(
            "reads@example.org;New\nasked@example.org;New\nleft@EXAMPLE.org;New\nback@example.org;New\n"
            "ada@example.org;Ada\nADA@example.org;Twice\nnobody;x"
        ),
    )

    outcomes = ("already", "pending", "left", "suppressed", "added", "repeated", "invalid")
    assert done.counts == dict.fromkeys(outcomes, 1)
    assert sum(done.counts.values()) == done.cursor == done.rows == 7
    assert await steps.readers(resources) == [
        Reader("Left@example.org", None, "ended"),
        Reader("ada@example.org", "Ada", "active"),
        Reader("asked@example.org", None, "pending"),
        Reader("reads@example.org", None, "active"),
    ]
    assert len(await steps.consents(resources)) == len(before) + 1
    assert [one["line"] for one in done.problems] == [8]


async def test_nb_46_the_same_file_again_changes_nothing(resources: Resources) -> None:
    memo = await newsroom.newsletter(resources)
    await steps.bring_in(resources, memo, steps.rows(30))
    before, proofs = await steps.readers(resources), await steps.consents(resources)
    again = await steps.bring_in(resources, memo, steps.rows(30))
    assert again.counts == {"already": 30}
    assert await steps.readers(resources) == before
    assert await steps.consents(resources) == proofs


async def test_nb_56_a_link_from_before_brings_nobody_back_and_a_suppressed_reader_stays_so(
    resources: Resources,
) -> None:
    memo = await newsroom.newsletter(resources)
    reads = await subscribe(resources, memo, "ada@example.org", Subscribed.ACTIVE)
    await suppress(resources, "ada@example.org")
    done = await steps.bring_in(resources, memo, LIST.format("ada@example.org;Ada"))
    assert done.counts == {"suppressed": 1}
    await resources.database.write(optout.end, reads.uid, method="test", now=resources.clock.now())
    assert (await steps.bring_in(resources, memo, LIST.format("ada@example.org;Ada"))).counts == {
        "suppressed": 1
    }
    assert await steps.readers(resources) == [Reader("ada@example.org", None, "ended")]


async def test_a_name_is_taken_for_who_has_none_and_becomes_a_reader(resources: Resources) -> None:
    memo = await newsroom.newsletter(resources)
    other = await newsroom.newsletter(resources, slug="evening-memo", name="Evening Memo")
    await subscribe(resources, other, "nameless@example.org", Subscribed.ACTIVE)
    await steps.bring_in(resources, other, LIST.format("named@example.org;Noor"))
    await steps.bring_in(resources, memo, LIST.format("nameless@example.org;Nils\nnamed@example.org;Other"))
    assert {(one.address, one.first_name) for one in await steps.readers(resources)} == {
        ("nameless@example.org", "Nils"),
        ("named@example.org", "Noor"),
    }


async def test_nothing_is_started_without_a_word_of_how_they_agreed_or_without_addresses(
    resources: Resources,
) -> None:
    memo = await newsroom.newsletter(resources)
    now = resources.clock.now()

    def proposed(session: Session, data: str) -> ReaderImport:
        file = register.read_file("list.csv", data.encode(), Wishes())
        return register.propose(session, memo, file, actor="test", now=now)

    good = await resources.database.write(proposed, LIST.format("ada@example.org;Ada"))
    bad = await resources.database.write(proposed, LIST.format("nobody;x"))
    for row, consent, error in ((good, " \n", ConsentUnsaid), (bad, CONSENT, NothingToBringIn)):
        with pytest.raises(error):
            await resources.database.write(register.start, row, consent, actor="test", now=now)
    seen: Look = await resources.database.read(register.look_of, bad)
    assert (seen.rows, seen.good, seen.invalid) == (1, 0, 1)
    assert await steps.readers(resources) == []


async def test_a_file_that_nobody_starts_is_let_go_after_a_week(
    resources: Resources, clock: HandClock
) -> None:
    memo = await newsroom.newsletter(resources)
    file = register.read_file("list.csv", b"ada@example.org", Wishes())
    row = await resources.database.write(register.propose, memo, file, actor="test", now=clock.now())
    for waited, left in ((register.KEPT_UNSTARTED, 1), (register.KEPT_UNSTARTED * 1.01, 0)):
        await resources.database.write(register.forget_old, now=row.created_at + waited)
        assert await steps.files(resources) == left
    with pytest.raises(ImportNotFound):
        await steps.now_is(resources, memo, row)
