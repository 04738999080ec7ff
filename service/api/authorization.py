"""Who calls: `Authorization: Bearer memo_…`, and whether that key has the scope that an operation needs."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, HTTPException, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from service.accounts import keys
from service.accounts.keys import Scope
from service.asking import Asked

_bearer = HTTPBearer(
    auto_error=False, scheme_name="key", description="An API key, made by `memo key create`: `memo_…`"
)
CHALLENGE = {"WWW-Authenticate": "Bearer"}  # RFC 9110 §11.6.1: a 401 names the scheme


@dataclass(frozen=True)
class Caller:
    key_id: int
    name: str
    scopes: frozenset[Scope]

    @property
    def actor(self) -> str:
        """How the audit log names it."""
        return f"key {self.name}"


async def caller(
    resources: Asked, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> Caller:
    if credentials is None:
        raise HTTPException(401, "Send an API key: Authorization: Bearer memo_…", CHALLENGE)
    key = await resources.database.read(keys.find, credentials.credentials)
    if key is None:
        challenge = {"WWW-Authenticate": 'Bearer error="invalid_token"'}  # RFC 6750 §3.1
        raise HTTPException(401, "This API key is not known, or it has been revoked.", challenge)
    return Caller(key.id, key.name, keys.scopes_of(key))


def _needing(scope: Scope) -> Callable[[Caller], Awaitable[Caller]]:
    async def checked(who: Annotated[Caller, Depends(caller)]) -> Caller:
        if scope not in who.scopes:
            has = ", ".join(sorted(who.scopes))
            challenge = {"WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{scope}"'}
            raise HTTPException(
                403, f"This needs a key with the scope {scope}; the key {who.name} has {has}.", challenge
            )
        return who

    return checked


Reader = Annotated[Caller, Depends(_needing(Scope.READ))]
Writer = Annotated[Caller, Depends(_needing(Scope.WRITE))]
Sender = Annotated[Caller, Depends(_needing(Scope.SEND))]


async def json_only(request: Request) -> None:
    """A body is JSON and says so: anything else would be read as something it is not."""
    has_body = request.headers.get("content-length", "0") != "0" or "transfer-encoding" in request.headers
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if has_body and kind != "application/json":
        raise HTTPException(415, "Send the body as JSON, with Content-Type: application/json.")
