"""`/healthz`: whether the database answers, for whatever watches over this process."""

import asyncio
from http import HTTPStatus

import sqlalchemy as sa
from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response
from sqlmodel import Session

from service import logs
from service.asking import Asked

log = logs.get(__name__)

router = APIRouter()
ANSWER_SECONDS = 5


@router.api_route("/healthz", methods=["GET", "HEAD"])
async def healthz(asked: Asked) -> Response:
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            schema = await asked.database.read(_schema_version)
    except Exception as error:
        # Its text may hold the database's address; this page is open to all.
        log.error("health.no_database", problem=type(error).__name__)
        return _answer(
            HTTPStatus.SERVICE_UNAVAILABLE,
            {
                "type": "about:blank",
                "title": HTTPStatus.SERVICE_UNAVAILABLE.phrase,
                "status": HTTPStatus.SERVICE_UNAVAILABLE,
                "detail": "The database does not answer. Look at MEMO_DATABASE_URL, and whether the database is running.",
            },
            "application/problem+json",
        )
    database = "sqlite" if asked.database.is_sqlite else "postgresql"
    return _answer(
        HTTPStatus.OK, {"status": "ok", "database": database, "schema": schema}, "application/json"
    )


def _schema_version(session: Session) -> str:
    version: str = session.execute(sa.text("SELECT version_num FROM alembic_version")).scalar_one()
    return version


def _answer(status: HTTPStatus, facts: dict[str, object], kind: str) -> Response:
    return JSONResponse(facts, status, headers={"Cache-Control": "no-store"}, media_type=kind)
