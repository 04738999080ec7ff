"""Amazon SES notifications that SNS sends by mail: JSON in the body. Unsigned in this form, so as little proof as any report."""

import json
import re
from typing import Any

from service.bounces import addressing
from service.bounces.opened import storable
from service.bounces.sayings import Saying

_OPENING = re.compile(r"\{\s*\"(?:notificationType|eventType|Type)\"")
_STATUS_OF = {"Transient": "4.0.0", "Permanent": "5.0.0"}


def sayings_of(words: str) -> tuple[str, list[Saying]]:
    """The notification's type, small letters ("bounce", "complaint", "delivery"), and what it says of each recipient.

    ("", []) for another mail.
    """
    found = _OPENING.search(words)
    told = _object(words[found.start() :]) if found else None
    if told is not None and isinstance(inner := told.get("Message"), str):
        told = _object(inner)
    if told is None:
        return "", []
    kind = str(told.get("notificationType") or told.get("eventType") or "").lower()
    return kind, [_saying(kind, one, told) for one in _recipients(kind, told)]


def _recipients(kind: str, told: dict[str, Any]) -> list[dict[str, Any]]:
    about = told.get(kind)
    name = {"bounce": "bouncedRecipients", "complaint": "complainedRecipients"}.get(kind, "recipients")
    listed = about.get(name) if isinstance(about, dict) else None
    named = listed if isinstance(listed, list) else []
    return [one if isinstance(one, dict) else {"emailAddress": one} for one in named][:200]


def _saying(kind: str, one: dict[str, Any], told: dict[str, Any]) -> Saying:
    bounce = told.get("bounce")
    weight = bounce.get("bounceType") if isinstance(bounce, dict) else ""
    diagnostic = re.sub(r"^smtp;\s*", "", storable(str(one.get("diagnosticCode") or "")))
    status = storable(str(one.get("status") or _STATUS_OF.get(str(weight), "")))[:12]
    action = "delivered" if kind == "delivery" else str(one.get("action") or "").lower()
    recipient = addressing.first_in(storable(str(one.get("emailAddress") or "")))
    return Saying(recipient or None, diagnostic, status, action)


def _object(text: str) -> dict[str, Any] | None:
    try:
        found, _ = json.JSONDecoder(strict=False).raw_decode(re.sub(r"\n ?", "", text))
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
