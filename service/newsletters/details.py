"""What a newsroom says about its newsletter, checked: every text that is refused says what to write instead."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import Annotated, Any, TypeAlias
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
)
from pydantic_core import ErrorDetails

from service import addresses, wording
from service.errors import Invalid
from service.fetching import BadAddress
from service.newsletters import looks
from service.newsletters.canary import CanaryRules
from service.newsletters.models import UncertainPolicy
from service.newsletters.web import Web
from service.rendering import frames
from service.rendering.themes import Look

LIST_ID_OCTETS = 255  # RFC 2919 §3
WEEK_MINUTES = 7 * 24 * 60
DAY_MINUTES = 24 * 60
_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?\Z")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*\Z")
_BREAKS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_SUBJECT_LIKE = re.compile(r"(?:re|fwd?|aw|wg|sv|tr|rv)\s*:", re.IGNORECASE)
# Their owners ask receivers to reject what does not come from their own servers (DMARC), so nothing would arrive.
_FREE_MAIL = frozenset(
    [
        *("gmail.com", "googlemail.com", "yahoo.com", "ymail.com", "aol.com", "icloud.com", "me.com"),
        *("outlook.com", "hotmail.com", "live.com", "msn.com"),
    ]
)


class NewsletterInvalid(Invalid):
    """These details of the newsletter cannot be used."""


def _name(value: str) -> str:
    if _BREAKS.search(value):
        raise ValueError("holds a line break or a control character; write it on one line")
    return " ".join(value.split())


def _lines(value: str) -> str:
    kept = value.replace("\r\n", "\n").replace("\r", "\n")
    if _CONTROL.search(kept):
        raise ValueError("holds a control character; take it out")
    return "\n".join(line.strip() for line in kept.strip().split("\n"))


def _lines_of_text(value: object) -> object:
    return _lines(value) if isinstance(value, str) else value


def _sender_name(value: str) -> str:
    if _SUBJECT_LIKE.match(value):
        raise ValueError("begins like an answer (Re:, Fwd:); give only the name of who sends")
    if any(unicodedata.category(character) == "So" for character in value):
        raise ValueError("holds a picture character; give only the name of who sends")
    if "@" in value or "{" in value or "<" in value:
        raise ValueError("holds an address or a placeholder; give only the name of who sends")
    return value


def is_slug(value: str) -> bool:
    """Whether a newsletter could be called so."""
    return _SLUG.match(value) is not None


def _slug(value: str) -> str:
    if not is_slug(value):
        raise ValueError(
            "takes small letters a to z, digits and hyphens, 64 at most, for example morning-memo"
        )
    return value


def _time_zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError("is no time zone; give its IANA name, for example Europe/Berlin") from error
    return value


def _language(value: str) -> str:
    tag = value.strip().replace("_", "-")
    if not _LANGUAGE.match(tag):
        raise ValueError("is no language tag; give one such as en, de or pt-BR")
    return tag


def _address(value: str) -> str:
    try:
        return addresses.parse(value).wire
    except addresses.AddressInvalid as error:
        raise ValueError(error.message) from error


def _sender_address(value: str) -> str:
    wire = _address(value)
    domain = wire.rpartition("@")[2]
    if not wire.isascii():
        raise ValueError("needs a part before the @ of plain ASCII letters, which every relay can take")
    if domain in _FREE_MAIL:
        raise ValueError(f"cannot be at {domain}, which lets nobody else send; use a domain of your own")
    return wire


def _web_address(value: str) -> str:
    from service.fetching import checks

    text = value.strip()
    try:
        checks.checked_address(text)
    except BadAddress as error:
        raise ValueError(f"cannot be called: {error.message}") from error
    return text


def _maybe(check: Callable[[str], str]) -> Callable[[str | None], str | None]:
    return lambda value: check(value) if value and value.strip() else None


def _accent(value: str) -> str:
    colour = value.strip().lower()
    if not looks.is_colour(colour):
        raise ValueError("is no colour; give one such as #b3261e")
    if not looks.is_legible(colour):
        raise ValueError("is too light to be read on white (contrast below 4.5:1); choose a darker colour")
    return colour


OneLine: TypeAlias = Annotated[
    str, AfterValidator(_name), StringConstraints(min_length=1, max_length=120), AfterValidator(_name)
]
SenderName: TypeAlias = Annotated[OneLine, AfterValidator(_sender_name)]
Text: TypeAlias = Annotated[str, AfterValidator(_lines), StringConstraints(max_length=1000)]
PostalAddress: TypeAlias = Annotated[
    str, BeforeValidator(_lines_of_text), StringConstraints(min_length=1, max_length=500)
]


class Person(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    name: OneLine
    role: Annotated[str, AfterValidator(_name), StringConstraints(max_length=120)] = ""


class DigestRules(BaseModel):
    """How an automatic edition is made: how much goes in, and which section's latest stands below."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    item_count: int = Field(default=8, ge=1, le=30, description="The lead and this many items at most.")
    brief_count: int = Field(default=20, ge=0, le=50)
    latest_from: str = Field(default="", max_length=100, description="A section; empty = the lead's own.")
    latest_count: int = Field(default=3, ge=0, le=10)
    pinned: list[str] = Field(
        default_factory=list, max_length=10, description="Addresses of articles to keep on top of the latest."
    )


class NewsletterDetails(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    slug: Annotated[str, AfterValidator(_slug)]
    name: OneLine
    description: Text = ""
    language: Annotated[str, StringConstraints(max_length=35), AfterValidator(_language)] = "en"
    time_zone: Annotated[str, StringConstraints(max_length=64), AfterValidator(_time_zone)]
    from_name: SenderName
    from_address: Annotated[str, AfterValidator(_sender_address)]
    reply_to: Annotated[str | None, AfterValidator(_maybe(_address))] = None
    postal_address: PostalAddress
    accent: Annotated[str, AfterValidator(_accent)] = "#b3261e"
    look: Look = Look()
    template: Annotated[str, StringConstraints(max_length=frames.MOST_CHARACTERS)] = Field(
        default="",
        description="A page of your own around an edition's blocks, in HTML with names; empty = ours.",
    )
    consent_wording: Text = ""
    reason: Annotated[str, AfterValidator(_name), StringConstraints(max_length=300)] = Field(
        default="", description="Why a reader gets this, said at the foot of each edition."
    )
    staff: list[Person] = Field(default_factory=list, max_length=100)
    is_open: bool = True
    uncertain_policy: UncertainPolicy = UncertainPolicy.REPEAT_ONCE
    lateness_minutes: int = Field(default=120, ge=1, le=WEEK_MINUTES)
    alarm_address: Annotated[str | None, AfterValidator(_maybe(_address))] = None
    digest: DigestRules = DigestRules()
    canary: CanaryRules = CanaryRules()
    deadline_minutes: int = Field(
        default=30,
        ge=1,
        le=DAY_MINUTES,
        description="An edition is to be handed over within so many minutes of its time.",
    )
    ping_url: Annotated[str | None, AfterValidator(_maybe(_web_address))] = Field(
        default=None,
        description="Called (GET) once for each edition of which 99 % was handed over by its deadline, and never for another.",
    )
    web: Web = Field(
        default=Web.PUBLIC,
        description="Who may read editions on the web: everybody (page, archive, feed), only who has the address in the mail, or nobody.",
    )

    @property
    def list_id(self) -> str:
        return f"{self.slug}.{self.from_address.rpartition('@')[2]}"


def read(values: Mapping[str, Any]) -> NewsletterDetails:
    """Details from a form, a command or a stored row; raises Invalid with the field and what to write there."""
    try:
        return NewsletterDetails.model_validate(dict(values))
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        said = wording.sentence(field.replace("_", " "), _said(first))
        raise NewsletterInvalid(said, field=field or None) from error


def _said(error: ErrorDetails) -> str:
    match error["type"]:
        case "enum":
            return f"is {error['ctx']['expected']}"
        case "missing" | "string_too_short" | "too_short":
            return "is needed"
        case "string_too_long" | "too_long":
            return f"is too long: {error['ctx']['max_length']} characters fit"
        case "int_parsing" | "int_type" | "int_from_float":
            return "takes a whole number"
        case "greater_than_equal":
            return f"is at least {error['ctx']['ge']}"
        case "less_than_equal":
            return f"is at most {error['ctx']['le']}"
        case _:
            return wording.phrase(error)
