"""What the desk keeps in one process between requests: who watches which edition, who failed to sign in, the threads that hash."""

from dataclasses import dataclass, field
from functools import partial
from uuid import UUID

from fastapi import Request

from service.accounts.limiter import SignInLimiter
from service.accounts.passwords import Passwords
from service.dependencies import Resources
from service.desk import sending_view
from service.desk.sending_view import SendingView
from service.desk.watching import Watching


@dataclass
class Process:
    watching: Watching
    limiter: SignInLimiter = field(default_factory=SignInLimiter)
    passwords: Passwords = field(default_factory=Passwords)
    is_examining: bool = False


def of(request: Request, resources: Resources) -> Process:
    """Made at the first request that needs it, kept with the application."""
    kept: Process | None = getattr(request.app.state, "desk", None)
    if kept is None:
        kept = Process(Watching(partial(_read, resources), resources.clock))
        request.app.state.desk = kept
    return kept


async def _read(resources: Resources, edition_uid: UUID) -> SendingView:
    return await resources.database.read(sending_view.of, edition_uid, now=resources.clock.now())
