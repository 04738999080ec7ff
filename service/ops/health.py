"""`/healthz`: whether memos leave, for whatever watches over this service. Open to all, so it names no machine and no reader.

It fails when the database does not answer, when it cannot commit, when no worker's tick comes round or what one of them does keeps
failing, when sending is on hold, and when an edition is due and has not begun. It writes nothing itself: that commits work is known
from this process's last write and from the workers' rows.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus

import sqlalchemy as sa
from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response
from sqlmodel import Session

from service import database, logs
from service.asking import Asked
from service.backups import continuity
from service.backups.continuity import Hold
from service.editions import lateness
from service.editions.lateness import Overdue
from service.workers import present
from service.workers.present import Present

log = logs.get(__name__)

router = APIRouter()
ANSWER_SECONDS = 5
BEGINS_WITHIN = timedelta(minutes=1)
HOLD_SETTLES = timedelta(seconds=15)
NO_DATABASE = "The database does not answer. Look at MEMO_DATABASE_URL, and whether the database is running."


@dataclass(frozen=True)
class Seen:
    schema: str
    workers: tuple[Present, ...]
    overdue: tuple[Overdue, ...]
    hold: Hold | None
    now: datetime

    @property
    def is_hold_fresh(self) -> bool:
        """A hold takes every worker for gone, as in a copy nobody is at work; those that live say so within seconds."""
        return self.hold is not None and self.now - self.hold.since < HOLD_SETTLES

    @property
    def alive(self) -> int:
        return sum(one.is_alive for one in self.workers)


@router.api_route("/healthz", methods=["GET", "HEAD"])
async def healthz(asked: Asked) -> Response:
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            seen = await asked.database.read(_seen, now=asked.clock.now())
    except Exception as error:
        # Its text may hold the database's address; this page is open to all.
        log.error("health.no_database", problem=type(error).__name__)
        return _failing([("no_database", NO_DATABASE)])
    if reasons := _reasons(seen, asked.database.writes.problem):
        return _failing(reasons)
    facts: dict[str, object] = {
        "status": "ok",
        "database": "sqlite" if asked.database.is_sqlite else "postgresql",
        "schema": seen.schema,
        "workers": seen.alive,
        "tick_age_seconds": round(min(one.age_seconds for one in seen.workers), 1) if seen.workers else None,
    }
    return _answer(HTTPStatus.OK, facts, "application/json")


def _seen(session: Session, *, now: datetime) -> Seen:
    schema: str = session.execute(sa.text("SELECT version_num FROM alembic_version")).scalar_one()
    workers = present.everybody(session, with_held=False)
    return Seen(
        schema,
        tuple(workers),
        tuple(lateness.overdue(session, now - BEGINS_WITHIN)),
        continuity.hold(session),
        database.now(session),
    )


def _reasons(seen: Seen, write_problem: str | None) -> list[tuple[str, str]]:
    """What is wrong, as a word for programs and a sentence for people."""
    found: list[tuple[str, str]] = []
    if write_problem is not None:
        found.append(
            (
                "cannot_commit",
                f"The database answers, but the last write could not be committed ({write_problem}). "
                "Look at its disk, and whether it is a replica that only reads.",
            )
        )
    if seen.hold is not None:
        found.append(
            (
                "on_hold",
                f"Sending is on hold since {_said(seen.hold.since)}. {seen.hold.reason} A person has to decide: "
                "at the desk, or with memo release.",
            )
        )
    if seen.workers and not seen.alive and not seen.is_hold_fresh:
        last = max(one.seen_at for one in seen.workers)
        found.append(
            (
                "no_worker",
                f"No worker's tick has come round since {_said(last)}. Look at its log; "
                "start one with memo serve or memo worker.",
            )
        )
    if failing := sorted({name for one in seen.workers for name in one.failing}):
        found.append(
            (
                "task_failing",
                f"A worker is at work, but some of what it does keeps failing ({', '.join(failing)}). "
                "Look at its log.",
            )
        )
    found += [
        (
            "not_begun",
            f"The edition of {one.newsletter} was due at {_said(one.due_at)} and has not begun to leave. "
            "Look at the desk and at the worker's log.",
        )
        for one in seen.overdue
    ]
    return found


def _said(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def _failing(reasons: list[tuple[str, str]]) -> Response:
    status = HTTPStatus.SERVICE_UNAVAILABLE
    facts: dict[str, object] = {
        "type": "about:blank",
        "title": status.phrase,
        "status": status,
        "detail": " ".join(sentence for _, sentence in reasons),
        "instance": "/healthz",
        "reasons": [word for word, _ in reasons],
    }
    return _answer(status, facts, "application/problem+json")


def _answer(status: HTTPStatus, facts: dict[str, object], kind: str) -> Response:
    return JSONResponse(facts, status, headers={"Cache-Control": "no-store"}, media_type=kind)
