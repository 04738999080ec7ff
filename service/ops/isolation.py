"""Other people's bytes, served so that they can do nothing: no script, no form, nobody's cookies, nothing kept."""

import re

from fastapi.responses import Response

# A link in the message opens its page in the place of ours, as in a mail program, once somebody clicks it; nothing less moves us.
SANDBOX = "allow-popups allow-popups-to-escape-sandbox allow-top-navigation-by-user-activation"
POLICY = (
    "default-src 'none'; img-src http: https: data:; style-src 'unsafe-inline'; "
    f"form-action 'none'; base-uri 'none'; frame-ancestors 'self'; sandbox {SANDBOX}"
)
KEPT_BY_NOBODY = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex, nofollow"}

# `base-uri` judges only a base with an address; this one has none. It stands inside the head, for a tag before the document
# type would put the browser into another mode of layout than mail programs use.
_OPEN_TARGET = '<base target="_top">'
_HEAD = re.compile(r"<head(?:\s[^>]*)?>|<html(?:\s[^>]*)?>|<!doctype[^>]*>", re.IGNORECASE)


def document(html: str) -> Response:
    starts = {found[0][:5].lower(): found.end() for found in reversed(list(_HEAD.finditer(html, 0, 10_000)))}
    at = starts.get("<head") or starts.get("<html") or starts.get("<!doc") or 0
    content = html[:at] + _OPEN_TARGET + html[at:]
    return _answer(content.encode("utf-8", "replace"), "text/html; charset=utf-8")


def plain(raw: bytes) -> Response:
    return _answer(raw, "text/plain; charset=utf-8")


def attached(raw: bytes, name: str) -> Response:
    answer = _answer(raw, "message/rfc822")
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def _answer(content: bytes, kind: str) -> Response:
    headers = {
        "Content-Security-Policy": POLICY,
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(content, headers=headers, media_type=kind)
