"""A report as plain data, for programs and for those who ask why: what `memo bounce --explain` prints. Pure."""

from typing import Any

from service.bounces import report
from service.bounces.findings import Finding, Report


def explain(told: Report) -> dict[str, Any]:
    """The weightiest finding first, then each recipient's own. Every value fits JSON."""
    first = report.weightiest(told.findings)
    return {
        "kind": first.kind.value,
        "recipients": [one.recipient for one in told.findings if one.recipient is not None],
        "status": first.status,
        "rule": first.rule,
        "source": first.source,
        "form": told.form.value,
        "findings": [_facts(one) for one in told.findings],
        "original": told.findings[0].original._asdict(),
        "report": {
            "message_id": told.message_id,
            "sent_to": list(told.sent_to),
            "from": told.from_address,
            "subject": told.subject,
            "at": told.at.isoformat() if told.at else None,
        },
    }


def _facts(one: Finding) -> dict[str, Any]:
    return {
        "recipient": one.recipient,
        "kind": one.kind.value,
        "status": one.status,
        "reply": one.reply,
        "rule": one.rule,
        "source": one.source,
        "strikes": one.strikes,
        "needs_second": one.needs_second,
        "feedback": one.feedback,
        "text": one.text,
    }
