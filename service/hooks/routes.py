"""One POST. Whoever does not know a relay's secret learns nothing here, not even whether there is such a relay."""

import asyncio

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse, Response

from service import logs
from service.asking import Asked
from service.bounces.hooks import certificates, keeping, register, sns
from service.bounces.hooks.calls import Call, Heard, NotBelieved, Proof, Trouble, Unreadable
from service.bounces.hooks.formats import KeyKind
from service.bounces.hooks.register import Known
from service.dependencies import Resources
from service.errors import Unavailable

router = APIRouter(include_in_schema=False)
log = logs.get(__name__)
NOTHING_HERE = "There is nothing at this address.\n"
KEPT = "Kept.\n"
STATUS = {
    Trouble.WRONG_TYPE: 415,
    Trouble.UNREADABLE: 400,
    Trouble.TOO_MANY: 400,
}


@router.post("/hooks/{relay}/{secret}")
async def told(request: Request, relay: str, secret: str, asked: Asked) -> Response:
    """403 for what is not believed, 400 and 415 for what is not understood, 503 where a certificate cannot be fetched now: all of
    these change nothing, and the relay may try again."""
    hook = await asked.database.read(register.find, relay, secret, now=asked.clock.now())
    if hook is None:
        return _plain(NOTHING_HERE, 404)
    try:
        _check_type(request, hook)
        call = Call(dict(request.headers), await request.body())
        await _believe(asked, hook, call)
        return await _keep(asked, hook, call)
    except (NotBelieved, Unreadable) as error:
        log.warning("relay.not_heard", relay=relay, trouble=error.trouble.value)
        await asked.database.write(register.note, hook.id, error.trouble, now=asked.clock.now())
        return _plain(f"{error.message}\n", STATUS.get(error.trouble, 403))
    except Unavailable as error:
        log.warning("relay.not_heard", relay=relay, trouble=error.message)
        return _plain(f"{error.message}\n", 503)


def _check_type(request: Request, hook: Known) -> None:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    is_packed = request.headers.get("content-encoding", "identity").strip().lower() not in {"", "identity"}
    if kind not in hook.format.content_types or is_packed:
        raise Unreadable(Trouble.WRONG_TYPE)


async def _believe(asked: Resources, hook: Known, call: Call) -> None:
    now = asked.clock.now()
    certificate = b""
    if hook.format.key_kind is KeyKind.TOPIC:
        certificate = await certificates.of(asked.fetcher, call.body, topic=hook.topic, now=now)
    proof = Proof(hook.key(asked.keys), hook.topic, certificate)
    await asyncio.to_thread(hook.format.verify, call, proof, now)


async def _keep(asked: Resources, hook: Known, call: Call) -> Response:
    now = asked.clock.now()
    if hook.format.key_kind is KeyKind.TOPIC and (invitation := sns.invitation(call.body)) is not None:
        await asked.database.write(register.invite, hook.id, invitation, now=now)
        log.info("relay.topic_waits", topic=invitation.topic)
        return _plain("A person has to confirm this topic.\n")
    heard: Heard = await asyncio.to_thread(hook.format.read, call.body)
    new = await asked.database.write(keeping.keep, hook.id, heard, now=now)
    log.info("relay.heard", format=hook.format.key, events=len(heard.told), new=new, odd=heard.odd)
    return _plain(KEPT)


def _plain(text: str, status: int = 200) -> Response:
    answer = PlainTextResponse(text, status_code=status)
    answer.headers["Cache-Control"] = "no-store"
    return answer


ROUTES = [*router.routes]
