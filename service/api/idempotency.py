"""POSTs that may be repeated: with an `Idempotency-Key` they are done once and answered the same for 24 hours."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Header, Request
from fastapi.responses import Response
from pydantic import BaseModel
from sqlmodel import Session

from service.accounts import replies
from service.accounts.replies import Ask, Reply
from service.api.authorization import Caller, caller
from service.asking import Asked
from service.dependencies import Resources
from service.errors import MemoError

REPLAYED = "Idempotent-Replayed"


@dataclass(frozen=True)
class Posting:
    """One POST and what is remembered of it; without an Idempotency-Key nothing is."""

    resources: Resources
    ask: Ask | None

    async def write(self, status: int, work: Callable[[Session], BaseModel]) -> Response:
        """Do it and keep its reply, in one write."""

        def replied(session: Session) -> Reply:
            return _reply(status, work(session))

        if self.ask is None:
            return _response(await self.resources.database.write(replied))
        now = self.resources.clock.now()
        return _response(await self.resources.database.write(replies.once, self.ask, replied, now=now))

    async def kept(self) -> Response | None:
        """The kept reply, for work that reads the network before its one write: it need not read twice."""
        if self.ask is None:
            return None
        reply = await self.resources.database.read(replies.find, self.ask, now=self.resources.clock.now())
        return _response(reply) if reply is not None else None

    async def around(self, status: int, work: Callable[[], Awaitable[BaseModel]]) -> Response:
        """For work that writes by itself: reserve before it, keep its reply after it. What failed may be tried again."""
        if self.ask is None:
            return _response(_reply(status, await work()))
        database, now = self.resources.database, self.resources.clock.now()
        kept = await database.write(replies.reserve, self.ask, now=now)
        if kept is not None:
            return _response(kept)
        try:
            reply = _reply(status, await work())
        except MemoError:
            await database.write(replies.release, self.ask)
            raise
        await database.write(replies.finish, self.ask, reply)
        return _response(reply)


async def _posting(
    request: Request,
    resources: Asked,
    who: Annotated[Caller, Depends(caller)],
    idempotency_key: Annotated[
        str | None,
        Header(
            description="A name for this request, such as a UUID. Sent again within 24 hours with the same query and "
            "body it is not done again: the first answer comes back, with `Idempotent-Replayed: true`.",
            examples=["0198c7a2-6a2e-7c40-9d5e-3f1f0f1c2a77"],
        ),
    ] = None,
) -> Posting:
    if idempotency_key is None:
        return Posting(resources, None)
    body = await request.body()
    asked = f"{request.url.path}?{request.url.query}" if request.url.query else request.url.path
    ask = replies.ask(who.key_id, idempotency_key, method=request.method, path=asked, body=body)
    return Posting(resources, ask)


Posted = Annotated[Posting, Depends(_posting)]


def _reply(status: int, made: BaseModel) -> Reply:
    return Reply(status, made.model_dump_json())


def _response(reply: Reply) -> Response:
    headers = {REPLAYED: "true"} if reply.is_replayed else None
    return Response(reply.body, reply.status, headers=headers, media_type="application/json")
