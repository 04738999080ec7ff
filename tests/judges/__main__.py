"""`make judge`: ask every judge, say what each found, and fail for what is new. Under CI none may be left out."""

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from tests.judges import borne, handed_on, pages, signatures, spam, tools
from tests.judges.borne import Finding
from tests.judges.handed_on import HandedOn
from tests.support import postfix

Faults = list[str]


def main() -> int:
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="memo-judges-") as folder:
        faults = asyncio.run(_all(Path(folder)))
    _say(
        f"\n{'All judges are content' if not faults else f'{len(faults)} faults'}: {time.monotonic() - began:.0f} s."
    )
    return 1 if faults else 0


async def _all(folder: Path) -> Faults:
    packages = await tools.fetched()
    page_judges = _asked(
        "html-validate and vnu", packages or tools.missing("node", "java"), lambda: _pages(folder)
    )
    message_judges = _asked(
        "mailauth, SpamAssassin and rspamd", postfix.missing(), lambda: _message(folder, packages)
    )
    return [fault for faults in await asyncio.gather(page_judges, message_judges) for fault in faults]


async def _asked(name: str, reason: str | None, ask: Callable[[], Awaitable[Faults]]) -> Faults:
    if reason is not None:
        _say(f"{name}: left out. {reason}")
        return [f"{name} could not be asked"] if os.environ.get("CI") else []
    try:
        return await ask()
    except (tools.Fell, TimeoutError) as error:
        return _told(name, "", [f"{type(error).__name__} {error}"])


async def _pages(folder: Path) -> Faults:
    files = await asyncio.to_thread(pages.written, folder)
    found = await asyncio.gather(pages.html_validate(files, folder), pages.vnu(files))
    faults = borne.faults(one for findings in found for one in findings if one.page != pages.WRONG)
    for tool, findings in zip(("html-validate", "vnu"), found, strict=True):
        faults += _blind(tool, findings)
    return _told(f"html-validate and vnu on {len(files) - 1} pages", "nothing that is not borne", faults)


def _blind(tool: str, findings: list[Finding]) -> Faults:
    wrong = [one.said for one in findings if one.page == pages.WRONG]
    return [] if len(wrong) >= 3 else [f"{tool} finds too little wrong with a page that is: {wrong}"]


async def _message(folder: Path, packages: str | None) -> Faults:
    message = await handed_on.message()
    faults = await asyncio.gather(
        _asked("mailauth", packages, lambda: _authenticated(message, folder)),
        _asked("SpamAssassin", tools.missing("spamassassin"), lambda: _assassinated(message)),
        _asked("rspamd", tools.missing("rspamd", "rspamc"), lambda: _rspamd(message, folder / "rspamd")),
    )
    return [fault for one in faults for fault in one]


async def _authenticated(message: HandedOn, folder: Path) -> Faults:
    return _told(
        "mailauth", "DKIM, SPF and DMARC pass behind a Postfix", await signatures.judged(message, folder)
    )


async def _assassinated(message: HandedOn) -> Faults:
    points, rules = await spam.spamassassin(message)
    return _weighed("SpamAssassin", points, spam.SPAMASSASSIN_MOST, rules)


async def _rspamd(message: HandedOn, folder: Path) -> Faults:
    score, symbols = await spam.rspamd(message, folder)
    return _weighed("rspamd", score, spam.RSPAMD_MOST, symbols)


def _weighed(name: str, points: float, most: float, why: str) -> Faults:
    said = f"{points:g} of at most {most:g} ({why or 'no rule'})"
    return _told(name, said, [] if points <= most else [f"{name}: {said}"])


def _told(name: str, good: str, faults: Faults) -> Faults:
    _say("\n  ".join([f"{name}: {good}" if not faults else f"{name}:", *faults]))
    return faults


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
