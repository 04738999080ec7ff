"""What two spam filters think of a message, each with the rules it comes with and nobody to ask."""

import asyncio
import json
import re
import socket
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.judges import handed_on, tools
from tests.judges.handed_on import HandedOn
from tests.support.name_server import NameServer
from tests.support.processes import Process

SPAMASSASSIN_MOST, RSPAMD_MOST = 1.0, 3.0
# Every filter holds this line for spam, so that one can see whether it looks at all.
GTUBE = b"XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
SPAM = b"From: a@example.org\r\nTo: b@example.net\r\nSubject: x\r\n\r\n" + GTUBE + b"\r\n"
UP_WITHIN_SECONDS = 40.0
_DETAILS = re.compile(r"Content analysis details:\s+\((-?[\d.]+) points")
_RULE = re.compile(r"^ *(-?[\d.]+) ([A-Z][A-Z0-9_]+) ", re.MULTILINE)
# They need the network, or others' messages to compare with.
_LEFT_OUT = (
    "asn", "dcc", "fuzzy_check", "greylist", "history_redis", "neural", "phishing", "ratelimit", "rbl", "replies",
    "reputation", "surbl", "url_redirector",
)  # fmt: skip
_WORKERS_LEFT_OUT = ("controller", "fuzzy", "proxy")


async def spamassassin(message: HandedOn) -> tuple[float, str]:
    """Its points, and the rules that gave any. `-L`: it asks nobody; `-x`: no preferences of whoever runs it."""
    ours, spam = await asyncio.gather(*(_assassinated(data) for data in (message.data, SPAM)))
    if spam[0] < 500:
        raise tools.Fell("SpamAssassin does not know the line that every filter knows")
    return ours


async def _assassinated(data: bytes) -> tuple[float, str]:
    said = (await tools.said_by(["spamassassin", "-L", "-t", "-x"], data)).decode(errors="replace")
    points = _DETAILS.search(said)
    if points is None:
        raise tools.Fell(said[-800:])
    rules = [f"{name} {score}" for score, name in _RULE.findall(said[points.end() :]) if float(score)]
    return float(points.group(1)), ", ".join(rules)


async def rspamd(message: HandedOn, folder: Path) -> tuple[float, str]:
    """Its score, and the symbols that moved it; with our zone in place of the DNS, so that it can verify signatures."""
    async with _rspamd(message, folder) as port:
        score, symbols = await _scanned(message, port)
        spam, _ = await _scanned(HandedOn(SPAM, message.rcpt_to, {}), port)
    if spam <= RSPAMD_MOST:
        raise tools.Fell("rspamd does not know the line that every filter knows")
    lacking = {"R_DKIM_ALLOW", "R_SPF_ALLOW", "DMARC_POLICY_ALLOW", "HAS_LIST_UNSUB"} - symbols.keys()
    if lacking:
        raise tools.Fell(f"rspamd does not see {', '.join(sorted(lacking))}")
    return score, ", ".join(f"{name} {points:g}" for name, points in sorted(symbols.items()) if points)


async def _scanned(message: HandedOn, port: int) -> tuple[float, dict[str, float]]:
    told = ["-i", handed_on.HOP_ADDRESS, "--helo", handed_on.HOP_NAME, "--hostname", handed_on.HOP_NAME]
    envelope = ["-F", handed_on.MAIL_FROM, "-r", message.rcpt_to]
    said = await tools.said_by(["rspamc", "-h", f"127.0.0.1:{port}", "-j", *told, *envelope], message.data)
    try:
        found = json.loads(said)
        return float(found["score"]), {name: float(one["score"]) for name, one in found["symbols"].items()}
    except (ValueError, KeyError):
        raise tools.Fell(f"rspamd: {said[-800:].decode(errors='replace')}") from None


@asynccontextmanager
async def _rspamd(message: HandedOn, folder: Path) -> AsyncIterator[int]:
    async with NameServer() as names:
        for name, text in message.texts.items():
            names.txt(name, text)
        names.put(handed_on.HOP_NAME + ".", "AAAA", handed_on.HOP_ADDRESS).named(
            handed_on.HOP_ADDRESS, handed_on.HOP_NAME + "."
        )
        names.put(f"{handed_on.DOMAIN}.", "MX", f"10 {handed_on.HOP_NAME}.")
        port = _free_port()
        _configure(folder, port, names.address)
        folders = {name: folder / name.lower() for name in ("DBDIR", "RUNDIR", "LOGDIR")}
        for one in folders.values():
            one.mkdir()
        told = [f"--var={name}={one}" for name, one in {**folders, "LOCAL_CONFDIR": folder}.items()]
        command = ["rspamd", "-f", "-i", "-u", "root", "-g", "root", "-c", "/etc/rspamd/rspamd.conf", *told]
        async with Process.started(
            command, folder=folder, env={"PATH": tools.PATH}, name="rspamd"
        ) as process:
            await _until_up(process, port)
            yield port


def _configure(folder: Path, port: int, resolver: str) -> None:
    override = folder / "override.d"
    override.mkdir(parents=True)
    (folder / "tlds").write_text("com\nnet\norg\n")  # to learn all that there are takes it ten seconds
    (override / "options.inc").write_text(
        f'dns {{ nameserver = ["{resolver}"]; }}\ndisable_hyperscan = true;\nurl_tld = "{folder / "tlds"}";\n'
    )
    (override / "worker-normal.inc").write_text(f'bind_socket = "127.0.0.1:{port}";\ncount = 1;\n')
    for name in _LEFT_OUT:
        (override / f"{name}.conf").write_text("enabled = false;\n")
    for name in _WORKERS_LEFT_OUT:
        (override / f"worker-{name}.inc").write_text("enabled = false;\n")


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


async def _until_up(process: Process, port: int) -> None:
    async with asyncio.timeout(UP_WITHIN_SECONDS):
        while not await asyncio.to_thread(_answers, port):
            await asyncio.sleep(0.2)


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/ping", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
