"""A newsletter is made, looked up and changed here."""

from datetime import datetime, timedelta
from typing import Any

from pydantic import ValidationError
from sqlmodel import Session, col, select

from service.errors import Conflict, NotFound
from service.events import log
from service.newsletters import own_template_check, web
from service.newsletters.canary import CanaryRules
from service.newsletters.details import (
    LIST_ID_OCTETS,
    DigestRules,
    NewsletterDetails,
    NewsletterInvalid,
    is_slug,
)
from service.newsletters.models import Newsletter
from service.newsletters.web import Web
from service.rendering import themes
from service.rendering.themes import Look, Theme

__all__ = ["DigestRules", "Newsletter", "NewsletterDetails", "NewsletterInvalid"]

_IN_OPTIONS = {
    "alarm_address",
    "canary",
    "deadline_minutes",
    "digest",
    "look",
    "ping_url",
    "reason",
    "template",
    "web",
}
_USUAL_DEADLINE: int = NewsletterDetails.model_fields["deadline_minutes"].default


class NewsletterNotFound(NotFound):
    """There is no newsletter of this name."""


class SlugTaken(Conflict):
    """Another newsletter has this short name already; choose another one."""


class SlugIsFixed(Conflict):
    """The short name cannot be changed: it is part of links that readers have in their mail. Make a new newsletter instead."""


def create(session: Session, details: NewsletterDetails, *, now: datetime, actor: str) -> Newsletter:
    if find(session, details.slug) is not None:
        raise SlugTaken
    if len(details.list_id) > LIST_ID_OCTETS:
        raise NewsletterInvalid("slug and from address together are too long; shorten the slug", field="slug")
    own_template_check.check(details)
    newsletter = Newsletter(list_id=details.list_id, created_at=now, **_columns(details))
    session.add(newsletter)
    session.flush()
    log.record(
        session, "newsletter.created", actor=actor, now=now, subject=("newsletter", newsletter.uid),
        facts={"slug": newsletter.slug},
    )  # fmt: skip
    return newsletter


def find(session: Session, slug: str) -> Newsletter | None:
    """None without a question for what is nobody's short name, such as a text that a database refuses to compare."""
    if not is_slug(slug):
        return None
    return session.exec(select(Newsletter).where(Newsletter.slug == slug)).first()


def get(session: Session, slug: str) -> Newsletter:
    newsletter = find(session, slug)
    if newsletter is None:
        raise NewsletterNotFound
    return newsletter


def get_by_id(session: Session, newsletter_id: int) -> Newsletter:
    newsletter = session.get(Newsletter, newsletter_id)
    if newsletter is None:
        raise NewsletterNotFound
    return newsletter


def all_of(session: Session) -> list[Newsletter]:
    return list(session.exec(select(Newsletter).order_by(col(Newsletter.name), col(Newsletter.id))))


def newsroom_zone(session: Session) -> str:
    """In which a newsroom tells the time where it is not about one newsletter: that of its first one."""
    first = select(Newsletter.time_zone).order_by(col(Newsletter.name), col(Newsletter.id)).limit(1)
    return session.exec(first).first() or "UTC"


def change(
    session: Session, newsletter: Newsletter, details: NewsletterDetails, *, now: datetime, actor: str
) -> Newsletter:
    """The List-Id stays what it was at first, even if the sender's domain changes: readers' filters hang on it (RFC 2919 §3)."""
    if details.slug != newsletter.slug:
        raise SlugIsFixed
    if details.consent_wording == _usual_wording(details_of(newsletter)):
        details = details.model_copy(
            update={"consent_wording": ""}
        )  # ours follows the language and the names
    if details.template != own_template(newsletter):
        own_template_check.check(details)
    changed, key = [], newsletter.options.get("web_key")
    for name, value in _columns(details, key).items():
        if getattr(newsletter, name) != value:
            setattr(newsletter, name, value)
            changed.append(name)
    session.add(newsletter)
    session.flush()
    if changed:
        log.record(
            session, "newsletter.changed", actor=actor, now=now, subject=("newsletter", newsletter.uid),
            facts={"fields": changed},
        )  # fmt: skip
    return newsletter


def details_of(newsletter: Newsletter) -> NewsletterDetails:
    """The present details, for a form or for a change of some of them: `details_of(n).model_copy(update=…)` is not
    checked, `details.read(details_of(n).model_dump() | changes)` is.
    """
    names = set(NewsletterDetails.model_fields) - _IN_OPTIONS
    values: dict[str, Any] = {name: getattr(newsletter, name) for name in names}
    return NewsletterDetails.model_validate(
        values | {name: value for name, value in newsletter.options.items() if name in _IN_OPTIONS}
    )


def digest_rules(newsletter: Newsletter) -> DigestRules:
    return DigestRules.model_validate(newsletter.options.get("digest") or {})


def theme(newsletter: Newsletter) -> Theme:
    """What cannot be used any more gives way to the house's own theme: looks are never a reason not to send."""
    try:
        return themes.made(Look.model_validate(newsletter.options.get("look") or {}))
    except ValidationError:
        return themes.USUAL


def own_template(newsletter: Newsletter) -> str:
    return str(newsletter.options.get("template") or "")


def canary_rules(newsletter: Newsletter) -> CanaryRules:
    return CanaryRules.model_validate(newsletter.options.get("canary") or {})


def alarm_address(newsletter: Newsletter) -> str | None:
    return newsletter.options.get("alarm_address") or None


def handed_over_within(newsletter: Newsletter) -> timedelta:
    """How long after its time an edition is to be handed over."""
    return timedelta(minutes=newsletter.options.get("deadline_minutes") or _USUAL_DEADLINE)


def ping_url(newsletter: Newsletter) -> str | None:
    """What a watcher outside gave us to call when an edition is in time."""
    return newsletter.options.get("ping_url") or None


def reason(newsletter: Newsletter) -> str:
    """Why a reader gets it, in the newsletter's own words or in ours; nothing where ours would be in another language."""
    from service.languages import speaking

    chosen = str(newsletter.options.get("reason") or "")
    words = speaking.of(newsletter.language)
    if chosen or words.language != newsletter.language:
        return chosen
    return words.say("You receive {newsletter} because you signed up for it.", newsletter=newsletter.name)


def _columns(details: NewsletterDetails, web_key: str | None = None) -> dict[str, Any]:
    values = details.model_dump(exclude=_IN_OPTIONS)
    values["options"] = details.model_dump(mode="json", include=_IN_OPTIONS)
    if web_key or details.web is Web.PRIVATE:
        values["options"]["web_key"] = web_key or web.new_key()
    values["consent_wording"] = details.consent_wording or _usual_wording(details)
    return values


def _usual_wording(details: NewsletterDetails) -> str:
    from service.languages import speaking

    return speaking.of(details.language).say(
        "By signing up you agree to receive {newsletter} from {publisher} by mail. "
        "We first send a message to ask if it is really you. Every edition has a link to leave with one click.",
        newsletter=details.name,
        publisher=details.from_name,
    )
