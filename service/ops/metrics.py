"""`/metrics`, for Prometheus: shown to this computer, and to whoever brings the token of `MEMO_METRICS_TOKEN`."""

import os
import secrets
import socket

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse, Response
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from service.asking import Asked, Client
from service.ops import admission, figures
from service.ops.exposition import Exposition

router = APIRouter()
CLOSED = (
    "Metrics are shown to this computer only. To read them from another one, set MEMO_METRICS_TOKEN "
    "and send it as Authorization: Bearer.\n"
)


@router.api_route("/metrics", methods=["GET", "HEAD"])
async def metrics(request: Request, asked: Asked, client: Client) -> Response:
    token = asked.settings.metrics_token
    if not (admission.is_here(request, client) or (token and _brings(request, token))):
        status, headers = (401, {"WWW-Authenticate": "Bearer"}) if token else (403, {})
        return PlainTextResponse(CLOSED, status, headers)
    watched = await asked.database.read(figures.read, clock_now=asked.clock.now())
    process = f"{socket.gethostname()}:{os.getpid()}"
    writes = asked.database.writes.as_facts()
    text = Exposition(watched, process=process, writes=writes, jobs=await asked.jobs.waiting()).text()
    headers = {"Cache-Control": "no-store"}
    return Response(text, headers=headers, media_type=CONTENT_TYPE_PLAIN_0_0_4)


def _brings(request: Request, token: str) -> bool:
    kind, _, brought = request.headers.get("authorization", "").partition(" ")
    return kind.lower() == "bearer" and secrets.compare_digest(brought.strip().encode(), token.encode())
