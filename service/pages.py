"""Pages for people: Jinja templates of `templates/desk` and `templates/public`, always autoescaped, never with a missing value."""

from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from service.settings import Settings, shipped

# What a message holds may show itself in a frame of ours, and nothing else; it has no origin of its own.
_FRAMED = {
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex, nofollow",
    "Referrer-Policy": "no-referrer",
}


@lru_cache(maxsize=4)
def environment(folder: Path) -> Environment:
    made = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters["local"] = local
    made.filters["bare"] = bare
    made.filters["utc"] = lambda moment: moment.astimezone(UTC).isoformat(timespec="seconds")
    made.filters["number"] = lambda value: f"{value:,}"
    return made


def render(request: Request, template: str, *, status: int = 200, **values: object) -> HTMLResponse:
    """A whole page, e.g. `render(request, "public/confirm.html", newsletter=newsletter)`."""
    return HTMLResponse(
        fragment(template, request=request, root=_root(request), **values), status_code=status
    )


def framed(html: str, *, with_pictures: bool = True) -> HTMLResponse:
    """A message for a frame of one of our pages. Without pictures the browser fetches none, and shows what stands for them."""
    pictures = "https: http: data:" if with_pictures else "'none'"
    policy = (
        f"sandbox; default-src 'none'; img-src {pictures}; style-src 'unsafe-inline'; font-src https: data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
    )
    return HTMLResponse(html, headers={"Content-Security-Policy": policy, **_FRAMED})


def fragment(template: str, **values: object) -> str:
    return environment(shipped("templates")).get_template(template).render(**values)


def _root(request: Request) -> str:
    """What our paths begin with when the public address has a path of its own, such as /list."""
    held: Settings = request.app.state.resources.settings
    return urlsplit(held.base_url).path


def local(moment: datetime, zone: str, form: str = "%a %d %b %Y, %H:%M") -> str:
    """A time on the wall of that zone, with the zone's abbreviation beside it; where it has only a number, that is said to be one."""
    name = moment.astimezone(ZoneInfo(zone)).tzname() or ""
    return f"{bare(moment, zone, form)} {f'UTC{name}' if name[:1] in '+-' else name}"


def bare(moment: datetime, zone: str, form: str = "%a %d %b %Y, %H:%M") -> str:
    """The same without the zone: for lists and tables, over which it is named once."""
    return moment.astimezone(ZoneInfo(zone)).strftime(form)
