"""What trying a relay out says, and what a Postfix of one's own should be told. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from service.delivery.relay_trial import StepState, Trial
from service.doctor.findings import Finding, Group, Remedy, Severity

WHY = "Every message goes through it."
LONGEST = timedelta(hours=20)
POSTFIX_USUAL = "5d"
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


@dataclass(frozen=True)
class SeenRelay:
    """`trial` None: it could not even be tried, and `problem` says why. `trouble`: what went wrong with it last."""

    name: str
    label: str
    is_main: bool
    trial: Trial | None
    problem: str = ""
    trouble: str = ""


def judged(relays: Sequence[SeenRelay], *, is_any_entered: bool) -> list[Finding]:
    found = [finding for relay in relays for finding in one(relay)]
    if not any(relay.is_main for relay in relays):
        found.insert(0, _no_main(is_any_entered))
    elif len(relays) == 1:
        found.append(
            Finding(
                "relay.no_fallback", Group.RELAY, Severity.NOTE, relays[0].name, "No other relay stands in when it is out of reach.",
                "Then an edition waits until it is back.", "Enter a second one, and make it the fallback.",
                (Remedy("memo relay use NAME --fallback"),),
            )
        )  # fmt: skip
    return found


def _no_main(is_any_entered: bool) -> Finding:
    if is_any_entered:
        return Finding(
            "relay.no_main", Group.RELAY, Severity.FAIL, "", "None of the relays entered is the main one, so nothing leaves.", WHY,
            "Choose it.", (Remedy("memo relay use NAME"),),
        )  # fmt: skip
    return Finding(
        "relay.none", Group.RELAY, Severity.WARN, "", "There is no relay: messages stay in the built-in mailbox.", "Readers get nothing.",
        "Enter one at the desk, with memo relay add, or as a setting.",
        (Remedy("MEMO_RELAY_URL=smtp://USER:PASSWORD@smtp.example.org:587"),),
    )  # fmt: skip


def one(seen: SeenRelay) -> list[Finding]:
    """About one relay, whatever others there are."""
    role = "main relay" if seen.is_main else "fallback"
    if seen.trial is None:
        why = "It could not be tried out from here."
        return [Finding("relay.not_tried", Group.RELAY, Severity.WARN, seen.name, seen.problem, why)]
    failed = seen.trial.failed
    if failed is not None:
        severity = Severity.FAIL if seen.is_main else Severity.WARN
        found = f"The {role} does not work: {failed.title}. {failed.said}"
        return [Finding(f"relay.{failed.name}", Group.RELAY, severity, seen.name, found, WHY, failed.advice)]
    warned = [
        Finding(
            f"relay.{step.name}_look",
            Group.RELAY,
            Severity.WARN,
            seen.name,
            f"{step.title}: {step.said}",
            WHY,
            step.advice,
        )
        for step in seen.trial.steps
        if step.state is StepState.WARNED and not _is_near(seen, step.name)
    ]
    if seen.trouble:
        warned.append(
            Finding(
                "relay.resting", Group.RELAY, Severity.WARN, seen.name, f"It lets us in now, but said before: {seen.trouble}", WHY,
                "It is tried again by itself; Relays at the desk shows when.",
            )
        )  # fmt: skip
    said = {step.name: step.said for step in seen.trial.steps}
    found = f"The {role} ({seen.label}) lets us in: {said.get('tls', '')}"
    return [Finding("relay.ok", Group.RELAY, Severity.OK, seen.name, found.rstrip(": "), WHY), *warned]


def _is_near(seen: SeenRelay, step: str) -> bool:
    """On loopback nothing needs to be encrypted."""
    where = next((one.said for one in seen.trial.steps if one.name == "connection"), "") if seen.trial else ""
    return step == "tls" and (where.startswith(("127.", "::1")))


def judged_queue(place: str, values: dict[str, str] | None, gap: timedelta) -> list[Finding]:
    """How long the Postfix keeps trying. `values`: what its own postconf says, None if it cannot be asked from here; `gap`: the shortest
    time between two editions of a newsletter.
    """
    wanted = min(LONGEST, gap)
    limit = f"{max(1, int(wanted.total_seconds() // 3600))}h"
    names = ("maximal_queue_lifetime", "bounce_queue_lifetime")
    found = {name: (values or {}).get(name, "") for name in names}
    longer = [
        name
        for name in names
        if seconds(found[name]) is None or (seconds(found[name]) or 0) > wanted.total_seconds()
    ]
    if values is not None and not longer:
        words = ", ".join(f"{name} = {found[name]}" for name in names)
        return [
            Finding(
                "postfix_queue.ok",
                Group.RELAY,
                Severity.OK,
                place,
                f"Its queue gives up in time: {words}.",
                LATE,
            )
        ]
    said = " and ".join(f"{name} is {found[name]}" for name in longer) if values is not None else (
        f"How long it keeps trying cannot be seen from here; usual are {POSTFIX_USUAL}"
    )  # fmt: skip
    command = "postconf -e " + " ".join(f"{name}={limit}" for name in names) + " && postfix reload"
    severity = Severity.NOTE if values is None else Severity.WARN
    return [
        Finding(
            "postfix_queue.long",
            Group.RELAY,
            severity,
            place,
            f"{said}.",
            LATE,
            f"{limit} fits this rhythm.",
            (Remedy(command),),
        )
    ]


LATE = "What waits in its queue can reach a reader after the next edition, and we learn of dead addresses days late."


def seconds(text: str) -> float | None:
    """A time as Postfix writes it: 5d, 20h, 300s; without a unit, days for these settings. None for what is none."""
    number, unit = (text[:-1], text[-1:]) if text[-1:] in SECONDS else (text, "d")
    return int(number) * SECONDS[unit] if number.isdigit() else None
