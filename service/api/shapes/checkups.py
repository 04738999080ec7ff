from typing import Any

from pydantic import BaseModel, Field

from service.api.shapes.moments import Instant
from service.doctor.findings import Examination, Group, Severity

CHECKUP_EXAMPLE: dict[str, Any] = {
    "at": "2026-11-27T09:00:00Z",
    "seconds": 1.4,
    "severity": "fail",
    "counts": {"fail": 1, "warn": 0, "note": 0, "ok": 0},
    "findings": [
        {
            "code": "spf.all_pass",
            "group": "domain",
            "severity": "fail",
            "subject": "news.example.org",
            "found": "The SPF record ends in +all.",
            "why": "That lets the whole world send as your domain, and providers take it for a sign of spam.",
            "advice": "End it with ~all.",
            "remedies": [
                {"text": "v=spf1 include:amazonses.com ~all", "name": "news.example.org", "kind": "TXT"}
            ],
        }
    ],
}


class Remedy(BaseModel):
    """Something to copy."""

    text: str
    name: str = Field(description="The name of the record in the DNS; empty for a command or a setting.")
    kind: str = Field(description="TXT, MX, A, AAAA or PTR; empty for a command or a setting.")


class Finding(BaseModel):
    code: str = Field(description="Stays the same between versions: programs may lean on it.")
    group: Group
    severity: Severity
    subject: str = Field(description="The domain, relay or newsletter it is about; may be empty.")
    found: str
    why: str
    advice: str
    remedies: list[Remedy]


class Checkup(BaseModel):
    """`severity` is that of the worst finding."""

    at: Instant
    seconds: float
    severity: Severity
    counts: dict[Severity, int]
    findings: list[Finding]


def checkup(found: Examination) -> Checkup:
    return Checkup.model_validate(found.facts())
