"""Who may POST: a page of our own, or nobody's page at all; not a page of somebody else's.

Browsers say so themselves in `Sec-Fetch-Site` (older ones in `Origin`), so there are no tokens to carry or lose. Exempt by name:
the public sign-up, which newsrooms embed in their own pages; one-click unsubscribe (RFC 8058 §3.1: no cookie, no token);
confirming and preferences, which like it act on the secret in their address: their pages send no referrer, so older browsers say
`Origin: null`; and relays' events, which act on a secret too and come from no browser at all.
The API is not concerned: it takes no cookies.
"""

import re
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

SAFE = {"GET", "HEAD", "OPTIONS"}
EXEMPT = re.compile(
    r"^/(?:n/[^/]+|confirm/[^/]+|unsubscribe/[^/]+|preferences/[^/]+|hooks/[^/]+/[^/]+|api/v1/.*)$"
)
REFUSAL = (
    "This form was sent from another site, so nothing was changed. "
    "Please open the page itself and send the form again from there."
)


class SameOriginOnly:
    def __init__(self, app: ASGIApp, *, own_hosts: frozenset[str]) -> None:
        self._app = app
        self._own_hosts = own_hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in SAFE or EXEMPT.match(scope["path"]):
            await self._app(scope, receive, send)
            return
        if self._is_ours(Headers(scope=scope)):
            await self._app(scope, receive, send)
            return
        await PlainTextResponse(REFUSAL, status_code=403)(scope, receive, send)

    def _is_ours(self, headers: Headers) -> bool:
        site = headers.get("sec-fetch-site")
        if site is not None:
            return site in {"same-origin", "none"}
        origin = headers.get("origin")
        if origin is None:
            return True  # not a browser: cross-site forms always carry one of the two
        netloc = urlsplit(origin).netloc
        return netloc in self._own_hosts or netloc == headers.get("host")
