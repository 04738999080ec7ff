"""A list is brought in, in one line."""

import asyncio
from typing import NamedTuple

import sqlalchemy as sa
from sqlmodel import Session, col, select

from service.dependencies import Resources
from service.imports import carrying, register
from service.imports.models import ImportFile, ReaderImport, State
from service.imports.wishes import Wishes
from service.newsletters.models import Newsletter
from service.subscribers.models import ConsentEvent, Subscriber, Subscription

CONSENT = "Signed the list at the library's open day, 28 February 2026."


class Reader(NamedTuple):
    address: str
    first_name: str | None
    state: str


async def begin(resources: Resources, memo: Newsletter, data: str) -> ReaderImport:
    """Started, and due."""
    file = register.read_file("list.csv", data.encode(), Wishes())

    def started(session: Session) -> ReaderImport:
        now = resources.clock.now()
        row = register.propose(session, memo, file, actor="Ada Okafor", now=now)
        return register.start(session, row, CONSENT, actor="Ada Okafor", now=now)

    return await resources.database.write(started)


async def bring_in(resources: Resources, memo: Newsletter, data: str) -> ReaderImport:
    """To its end."""
    row = await begin(resources, memo, data)
    await carrying.carry_on_due(resources, asyncio.Event())
    done = await now_is(resources, memo, row)
    assert done.state is State.DONE
    return done


async def now_is(resources: Resources, memo: Newsletter, row: ReaderImport) -> ReaderImport:
    return await resources.database.read(register.get, memo, row.uid)


async def readers(resources: Resources) -> list[Reader]:
    def read(session: Session) -> list[Reader]:
        query = (
            sa.select(col(Subscriber.address), col(Subscriber.first_name), col(Subscription.state))
            .join(Subscription, col(Subscription.subscriber_id) == col(Subscriber.id))
            .order_by(col(Subscriber.address))
        )
        return [Reader(one.address, one.first_name, one.state.value) for one in session.execute(query)]

    return await resources.database.read(read)


async def how_far(resources: Resources) -> tuple[int, int]:
    """The cursor of the only import and the number of readers, read at once: the server may still commit what a process that has been
    killed asked it to.
    """
    entered = sa.select(sa.func.count()).select_from(Subscription).scalar_subquery()

    def read(session: Session) -> tuple[int, int]:
        cursor, count = session.execute(sa.select(col(ReaderImport.cursor), entered)).one()
        return cursor, count

    return await resources.database.read(read)


async def consents(resources: Resources) -> list[ConsentEvent]:
    def read(session: Session) -> list[ConsentEvent]:
        return list(session.exec(select(ConsentEvent).order_by(col(ConsentEvent.id))))

    return await resources.database.read(read)


async def files(resources: Resources) -> int:
    def count(session: Session) -> int:
        return session.exec(select(sa.func.count()).select_from(ImportFile)).one()

    return await resources.database.read(count)


def rows(count: int, beginning: str = "reader") -> str:
    return "email;first name\n" + "".join(
        f"{beginning}{number}@example.org;N{number}\n" for number in range(count)
    )
