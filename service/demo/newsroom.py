"""The sample newsroom's web site, at `localhost`, so that it really is another site than the service at 127.0.0.1."""

import asyncio
import contextlib
import mimetypes
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from service.serving import WebServer
from service.settings import shipped

NEWSROOM_ADDRESS, SERVICE_ADDRESS = "http://newsroom.example.org", "http://memo.example.org"


def listening_sockets() -> list[socket.socket]:
    """A free port on 127.0.0.1, and the same on ::1 where there is one: `localhost` may mean either."""
    first = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    first.bind(("127.0.0.1", 0))
    sockets = [first]
    with contextlib.suppress(OSError):
        second = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
        second.bind(("::1", first.getsockname()[1]))
        sockets.append(second)
    return sockets


@asynccontextmanager
async def open_to_readers(sockets: list[socket.socket], memo_url: str) -> AsyncIterator[str]:
    base = f"http://localhost:{sockets[0].getsockname()[1]}"
    folder = shipped("examples") / "newsroom"

    async def page(request: Request) -> Response:
        return _answer(
            folder, request.path_params["path"], {NEWSROOM_ADDRESS: base, SERVICE_ADDRESS: memo_url}
        )

    site = Starlette(routes=[Route("/{path:path}", page)])
    server = WebServer(uvicorn.Config(site, log_config=None, access_log=False, lifespan="off"))
    serving = asyncio.create_task(server.serve(sockets=sockets))
    try:
        yield base
    finally:
        server.should_exit = True
        await serving


def _answer(folder: Path, path: str, replacements: dict[str, str]) -> Response:
    wanted = (folder / (path or "index.html")).resolve()
    if not wanted.is_relative_to(folder.resolve()) or not wanted.is_file():
        return PlainTextResponse("There is no such page in the sample newsroom.", status_code=404)
    kind = mimetypes.guess_type(wanted.name)[0] or "application/octet-stream"
    if wanted.suffix not in {".html", ".xml"}:
        return Response(wanted.read_bytes(), media_type=kind)
    text = wanted.read_text(encoding="utf-8")
    for placeholder, real in replacements.items():
        text = text.replace(placeholder, real)
    return Response(text, media_type="application/rss+xml" if wanted.suffix == ".xml" else kind)
