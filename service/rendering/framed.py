"""An edition's page in a newsletter's own template: what it gets, drawn by our own templates beforehand."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from markupsafe import Markup

from service.rendering import environment, frames


def page(source: str, values: Mapping[str, Any], templates: Path) -> str:
    """`values` as our own page has them. Raises FrameInvalid."""
    return frames.drawn(source, _given(values, templates))


def _given(values: Mapping[str, Any], templates: Path) -> dict[str, object]:
    facts, say = values["newsletter"], values["_"]
    return {
        **{name: values[name] for name in ("language", "direction", "title", "name", "date", "variant", "web_url", "address")},
        "side": "right" if values["direction"] == "rtl" else "left",
        "head": frames.pieces_of(environment.of(templates).get_template("_head.html").render(values)),
        "publisher": facts.from_name,
        "reading_time": values["minutes"],
        "kicker": _kicker(values["variant"], say),
        "preheader": values["document"].preheader,
        "blocks": _blocks(values, templates),
        "unsubscribe_url": values["unsubscribe_url"],
        "preferences_url": values["preferences_url"],
        "reason": facts.reason,
        "postal_address": facts.postal_address.splitlines(),
        "say": {
            "unsubscribe": say("Unsubscribe"),
            "preferences": say("Your preferences"),
            "view_online": say("View online"),
            "sent_to": say("Sent to"),
        },
    }  # fmt: skip


def _kicker(variant: str, say: Callable[[str], str]) -> str:
    if variant == "daily":
        return ""
    return say("Breaking news") if variant == "alert" else say("Weekend edition")


def _blocks(values: Mapping[str, Any], templates: Path) -> list[Markup]:
    template = environment.of(templates).get_template("_block.html")
    shown = [*values["blocks"], *([None] if values["is_cut_short"] else [])]
    return [frames.pieces_of(template.render({**values, "block": block}).strip()) for block in shown]
