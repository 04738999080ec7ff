"""DKIM, SPF and DMARC, as mailauth sees them at the reader's provider."""

import json
from pathlib import Path
from typing import Any

from tests.judges import handed_on, tools
from tests.judges.handed_on import HandedOn


async def judged(message: HandedOn, folder: Path) -> list[str]:
    """What does not pass, and what passes that was tampered with."""
    faults = [
        f"{name}: {result}" for name, result in (await _results(message, folder)).items() if result != "pass"
    ]
    tampered = HandedOn(message.data.replace(b"ferry", b"fairy"), message.rcpt_to, message.texts)
    if (await _results(tampered, folder))["dkim"] == "pass":
        faults.append("dkim: passes although the message was tampered with")
    return faults


async def _results(message: HandedOn, folder: Path) -> dict[str, str]:
    answers = folder / "dns.json"
    answers.write_text(json.dumps({name: {"TXT": [[text]]} for name, text in message.texts.items()}))
    told: list[str | Path] = [
        "-n",
        answers,
        "-i",
        handed_on.HOP_ADDRESS,
        "-e",
        handed_on.HOP_NAME,
        "-f",
        handed_on.MAIL_FROM,
    ]
    said = await tools.said_by(
        ["node", tools.MAILAUTH, "report", *told, "-m", "mx.example.net"], message.data
    )
    try:
        report = json.loads(said)
    except ValueError:
        raise tools.Fell(said[-800:].decode(errors="replace")) from None
    signatures = [_result(one) for one in report["dkim"]["results"]] or ["none"]
    return {
        "dkim": "pass" if set(signatures) == {"pass"} else ", ".join(signatures),
        "spf": _result(report["spf"]),
        "dmarc": _result(report["dmarc"]),
    }


def _result(part: Any) -> str:
    return str(part["status"]["result"])
