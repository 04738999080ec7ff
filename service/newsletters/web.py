"""Where else than in the mail an edition can be read, and at which address."""

import hmac
from datetime import date
from enum import StrEnum

from service import tokens
from service.newsletters.models import Newsletter

MARK_DIGITS = 32  # 128 bits in hex


class Web(StrEnum):
    """Who may read editions on the web: everybody, only who has the address, nobody."""

    PUBLIC = "public"
    PRIVATE = "private"
    MAIL_ONLY = "mail_only"


def of(newsletter: Newsletter) -> Web:
    return Web(newsletter.options.get("web") or Web.PUBLIC)


def is_public(newsletter: Newsletter) -> bool:
    return of(newsletter) is Web.PUBLIC


def new_key() -> str:
    """What a newsletter's private addresses are made with. It stays as it is, for they are in readers' mail."""
    return tokens.new_secret()


def day_path(local_date: date, slot: int) -> str:
    """The second edition of a day ends in -2."""
    return local_date.isoformat() + (f"-{slot}" if slot > 1 else "")


def address(newsletter: Newsletter, local_date: date, slot: int, *, base_url: str) -> str | None:
    """An edition's page, e.g. `https://news.example.org/n/morning-memo/2026-03-02`; none where it is sent by mail only."""
    path = f"{base_url.rstrip('/')}/n/{newsletter.slug}/{day_path(local_date, slot)}"
    match of(newsletter):
        case Web.PUBLIC:
            return path
        case Web.PRIVATE:
            return f"{path}/{_mark(newsletter, local_date, slot)}"
        case Web.MAIL_ONLY:
            return None


def opens(newsletter: Newsletter, local_date: date, slot: int, mark: str) -> bool:
    """Whether that is the mark of this edition. It stays good when the newsletter becomes public."""
    if not newsletter.options.get("web_key") or of(newsletter) is Web.MAIL_ONLY:
        return False
    return hmac.compare_digest(_mark(newsletter, local_date, slot).encode(), mark.encode())


def _mark(newsletter: Newsletter, local_date: date, slot: int) -> str:
    key = str(newsletter.options["web_key"])
    return tokens.keyed_hash(key, f"{newsletter.slug}/{day_path(local_date, slot)}")[:MARK_DIGITS]
