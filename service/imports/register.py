"""The register of imports: proposed with their file, corrected, started on somebody's word, stopped, looked up."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, select

from service.errors import Conflict, Invalid, NotFound
from service.events import log as events
from service.imports import packing
from service.imports.layout import Layout, NoAddresses
from service.imports.looking import Look, look
from service.imports.models import ImportFile, ReaderImport, State
from service.imports.wishes import Wishes, layout_of
from service.newsletters.models import Newsletter
from service.rendering import characters
from service.subscribers import signup

KEPT_UNSTARTED = timedelta(days=7)
PROBLEMS_KEPT_FOR = timedelta(days=30)
NAME_CHARACTERS = 200
LISTED = 10


class ImportNotFound(NotFound):
    """There is no such import. One that is not started is let go after a week: please choose the file again."""


class ImportBegun(Conflict):
    """This import has been started already. What it does is on its page; for another file begin another one."""


class NothingToBringIn(Invalid):
    """No row of this file holds an address that can be used. Look at the problems, and choose the right columns."""


class ConsentUnsaid(Invalid):
    """Say how and since when these readers have agreed: it is kept as the proof of their consent."""


@dataclass(frozen=True)
class NewFile:
    """What came, read: in a thread, for a long list takes seconds."""

    name: str
    octets: int
    kept: bytes
    layout: Layout
    look: Look


def read_file(name: str, data: bytes, wishes: Wishes) -> NewFile:
    """Raises FileEmpty and FileTooLarge."""
    kept = packing.packed(data)
    found = layout_of(kept, wishes)
    shown = characters.single_line(name)[:NAME_CHARACTERS] or "list.csv"
    return NewFile(shown, len(data), kept, found, look(kept, found))


def propose(
    session: Session, newsletter: Newsletter, file: NewFile, *, actor: str, now: datetime
) -> ReaderImport:
    row = ReaderImport(
        newsletter_id=newsletter.id,
        state=State.PROPOSED,
        file_name=file.name,
        octets=file.octets,
        layout=file.layout.model_dump(mode="json"),
        rows=file.look.rows,
        brought_by=actor,
        created_at=now,
    )
    session.add(row)
    session.flush()
    session.add(ImportFile(import_id=row.id, data=file.kept, look=file.look.model_dump(mode="json")))
    return row


def correct(session: Session, row: ReaderImport, chosen: Layout, seen: Look) -> None:
    """It is read otherwise from now on; `seen` is what it looks like then."""
    _ensure_proposed(row)
    row.layout, row.rows = chosen.model_dump(mode="json"), seen.rows
    session.add(row)
    file = session.get_one(ImportFile, row.id)
    file.look = seen.model_dump(mode="json")
    session.add(file)


def start(session: Session, row: ReaderImport, consent: str, *, actor: str, now: datetime) -> ReaderImport:
    """On the word of `actor` that these people have agreed. A worker does the rest."""
    wording = characters.single_line(consent)[: signup.WORDING_CHARACTERS]
    if not wording:
        raise ConsentUnsaid(field="consent")
    _ensure_proposed(row)
    if Layout.model_validate(row.layout).email is None:
        raise NoAddresses(field="email")
    if not Look.model_validate(session.get_one(ImportFile, row.id).look).good:
        raise NothingToBringIn(field="file")
    row.state, row.consent, row.attested_by = State.RUNNING, wording, actor
    row.started_at = row.due_at = now
    session.add(row)
    _record(session, row, "import.started", actor=actor, now=now, facts={"rows": row.rows})
    return row


def stop(session: Session, row: ReaderImport, *, actor: str, now: datetime) -> None:
    """What has been entered stays. One that has ended stays as it is."""
    if row.state is State.PROPOSED:
        _forget(session, [row.id])
        return
    if row.state is State.RUNNING:
        end(session, row, State.STOPPED, actor=actor, now=now)


def end(session: Session, row: ReaderImport, state: State, *, actor: str, now: datetime) -> None:
    """Its file goes; its counts stay, and the problems."""
    row.state, row.ended_at, row.due_at = state, now, None
    session.add(row)
    session.execute(sa.delete(ImportFile).where(col(ImportFile.import_id) == row.id))
    _record(session, row, f"import.{state.value}", actor=actor, now=now, facts=dict(row.counts))


def stop_all(session: Session, *, actor: str, now: datetime) -> int:
    """Every one under way; how many that were. Their files go with them, so that somebody has to look before it begins anew."""
    rows = session.exec(
        select(ReaderImport).where(ReaderImport.state == State.RUNNING).with_for_update()
    ).all()
    for row in rows:
        end(session, row, State.STOPPED, actor=actor, now=now)
    return len(rows)


def get(session: Session, newsletter: Newsletter, uid: uuid.UUID) -> ReaderImport:
    query = select(ReaderImport).where(ReaderImport.uid == uid, ReaderImport.newsletter_id == newsletter.id)
    row = session.exec(query).first()
    if row is None:
        raise ImportNotFound
    return row


def locked(session: Session, newsletter: Newsletter, uid: uuid.UUID) -> ReaderImport:
    """Held until the commit: two who press a button at once come one after the other, and not into the midst of a piece."""
    query = select(ReaderImport).where(ReaderImport.uid == uid, ReaderImport.newsletter_id == newsletter.id)
    row = session.exec(query.with_for_update().execution_options(populate_existing=True)).first()
    if row is None:
        raise ImportNotFound
    return row


def look_of(session: Session, row: ReaderImport) -> Look:
    return Look.model_validate(session.get_one(ImportFile, row.id).look)


def look_while_kept(session: Session, row: ReaderImport) -> Look | None:
    """It goes with the file, when the import has ended."""
    file = session.get(ImportFile, row.id)
    return None if file is None else Look.model_validate(file.look)


def kept_file(session: Session, row: ReaderImport) -> bytes:
    _ensure_proposed(row)
    return session.get_one(ImportFile, row.id).data


def latest(session: Session, newsletter: Newsletter) -> list[ReaderImport]:
    query = select(ReaderImport).where(ReaderImport.newsletter_id == newsletter.id)
    return list(session.exec(query.order_by(col(ReaderImport.id).desc()).limit(LISTED)))


def forget_old(session: Session, *, now: datetime) -> None:
    """Files that somebody chose, and then did nothing with; and a month after its end what was wrong with an import."""
    query = select(ReaderImport.id).where(
        ReaderImport.state == State.PROPOSED, col(ReaderImport.created_at) < now - KEPT_UNSTARTED
    )
    _forget(session, list(session.exec(query)))
    told = sa.cast(col(ReaderImport.problems), sa.Text) != "[]"
    old = sa.update(ReaderImport).where(col(ReaderImport.ended_at) < now - PROBLEMS_KEPT_FOR, told)
    session.execute(old.values(problems=[]).execution_options(synchronize_session=False))


def _forget(session: Session, ids: list[int]) -> None:
    session.execute(sa.delete(ImportFile).where(col(ImportFile.import_id).in_(ids)))
    session.execute(sa.delete(ReaderImport).where(col(ReaderImport.id).in_(ids)))


def _ensure_proposed(row: ReaderImport) -> None:
    if row.state is not State.PROPOSED:
        raise ImportBegun


def _record(
    session: Session, row: ReaderImport, name: str, *, actor: str, now: datetime, facts: dict[str, int]
) -> None:
    said = {"file": row.file_name, **facts}
    events.record(session, name, actor=actor, now=now, subject=("import", row.uid), facts=said)
