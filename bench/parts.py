"""What can be measured, each part alone."""

import asyncio
import importlib
import importlib.util
import shutil
from collections.abc import Awaitable, Iterator, Sequence
from functools import partial
from pathlib import Path

from bench import captured, far, overtaking, processes, product, signing, source
from bench.ledger import DoesNotAddUp
from bench.processes import Measured, Work
from bench.product import Order
from bench.rounds import Candidate
from bench.stage import Stage
from bench.summary import OTHERS, OURS, Figures

CANDIDATES = (*OURS, *OTHERS)
PARTS = (*CANDIDATES, "far", "captured", "dkim", "overtaking", "crash")
FAR_CONNECTIONS = (20, 60)
DKIM_CONNECTIONS = 40
CRASH = "bench.crash"
HERE = Path(__file__).resolve().parent
NODE_MODULES = HERE / "out" / "node_modules"
NO_NODEMAILER = (
    "nodemailer is not measured: it needs node, and once `npm install --prefix bench/out nodemailer`."
)
NO_CRASH = "The crash proof is not part of this build: lost, repeats and kills are null."


def candidates(stage: Stage, names: Sequence[str], connections: Sequence[int]) -> Iterator[Candidate]:
    """Those that can run here; what cannot is said."""
    wanted = [name for name in CANDIDATES if name in names]
    if "postgresql" in wanted and stage.postgresql is None:
        wanted.remove("postgresql")
    if "nodemailer" in wanted and not _has_nodemailer():
        wanted.remove("nodemailer")
        stage.say(NO_NODEMAILER)
    for number in connections:
        reference = partial(_reference, stage, number)
        for name in wanted:
            run = partial(_ours if name in stage.bases else _other, stage, name, number)
            yield Candidate(name, number, run, reference)


def _many(stage: Stage) -> int:
    """A span is a two-hundredth of the readers: of few, taking spans is what would be measured, and greeting the relay."""
    return min(stage.sizes.readers, 4 * stage.sizes.baseline)


async def far_away(stage: Stage) -> Figures:
    """On SQLite, held against what the round trips allow."""
    figures: Figures = {}
    async with far.relay(stage.folder, stage.sink.port) as (relay_url, ca_file):
        figures["round_trip_ms"] = await asyncio.to_thread(far.round_trip_ms, relay_url, ca_file)
        for connections in FAR_CONNECTIONS:
            order = Order(_many(stage), connections, relay_url, stage.folder, ca_file)
            sent = await product.send(stage.sqlite, stage.sink, order)
            ratio = sent.rate_under_way / far.allowed(connections)
            figures[f"round_trip_rate_{connections}"] = sent.rate_under_way
            figures[f"round_trip_ratio_{connections}"] = ratio
            stage.say(
                f"40 ms and TLS, {connections} connections: {sent.rate_under_way:,.0f}/s of {far.allowed(connections):,.0f}/s"
                f" that the round trips allow, ratio {ratio:.2f}; at most {sent.peak_memory_mb:.0f} MB"
            )
    return figures


async def captured_messages(stage: Stage) -> Figures:
    count = await captured.check(stage.sqlite, stage.folder)
    stage.say(f"{count:,} messages read back: each is its reader's own.")
    return {"captured": count}


async def overtaken(stage: Stage) -> Figures:
    """The worse of the two databases."""
    figures: Figures = {"breaking_first_s": 0.0, "breaking_notice_s": 0.0}
    for name, base in stage.bases.items():
        order = Order(stage.sizes.readers, overtaking.CONNECTIONS, stage.sink.url, stage.folder)
        found = await overtaking.measure(base, order)
        figures["breaking_first_s"] = max(figures["breaking_first_s"] or 0, found.first_s)
        figures["breaking_notice_s"] = max(figures["breaking_notice_s"] or 0, found.notice_s)
        stage.say(
            f"{name}: breaking news in the midst of {stage.sizes.readers:,}: first accept after {found.first_s:.2f} s,"
            f" and a notice in the midst of both after {found.notice_s:.2f} s"
        )
    return figures


async def dkim(stage: Stage) -> Figures:
    """The signer alone, and the product on SQLite with all messages signed, against the bare RSA operation on one processor."""
    try:
        found = await asyncio.to_thread(signing.measure, stage.message_path.read_bytes())
    except signing.OpensslMissing as missing:
        stage.say(str(missing))
        return {}
    stage.say(
        f"DKIM, processor time: openssl speed rsa2048 {found.openssl_rate:,.0f}/s;"
        f" the process that signs has {found.process_ratio:.2f} of it,"
        f" a whole message {found.rate:,.0f}/s, {found.ratio:.2f};"
        f" a hash of its body and the RSA operation alone {found.bare_ratio:.2f}"
    )
    stage.say(
        "By octets: "
        + ", ".join(f"{octets:,} {ratio:.2f}" for octets, ratio in sorted(found.by_octets.items()))
    )
    order = Order(_many(stage), DKIM_CONNECTIONS, stage.sink.url, stage.folder)
    sent = await product.send(stage.sqlite, stage.sink, order.beside(partial(signing.key_in, stage.folder)))
    ratio = sent.rate_under_way / found.openssl_rate
    stage.say(
        f"Signed, with ledger: {sent.rate_under_way:,.0f}/s under way, {ratio:.2f} of openssl's on one processor"
    )
    return {
        "dkim_rate": found.rate,
        "dkim_openssl_rate": found.openssl_rate,
        "dkim_process_openssl_ratio": found.process_ratio,
        "dkim_openssl_ratio": found.ratio,
        "dkim_bare_openssl_ratio": found.bare_ratio,
        "dkim_sent_rate": sent.rate_under_way,
        "dkim_sent_openssl_ratio": ratio,
    }


async def crash(stage: Stage) -> Figures:
    """`bench.crash.measure()` returns lost, repeats_per_kill_max and kills; it sets up its own databases and sink."""
    if importlib.util.find_spec(CRASH) is None:
        stage.say(NO_CRASH)
        return {}
    found: Figures = await asyncio.to_thread(importlib.import_module(CRASH).measure)
    return {name: found[name] for name in ("lost", "repeats_per_kill_max", "kills")}


async def _ours(stage: Stage, name: str, connections: int) -> Measured:
    order = Order(stage.sizes.readers, connections, stage.sink.url, stage.folder)
    return await product.send(stage.bases[name], stage.sink, order)


async def _other(stage: Stage, name: str, connections: int) -> Measured:
    messages = stage.sizes.of(name)
    command = {
        "no_ledger": processes.module("bench.no_ledger"),
        "sendmail": processes.module("bench.plain", "sendmail"),
        "send_message": processes.module("bench.plain", "send_message"),
        "nodemailer": ["node", str(HERE / "pooled.cjs")],
    }[name]
    if name == "no_ledger":
        await stage.sqlite.original(messages)
    work = Work(stage.sink.port, messages, connections, stage.folder)
    return await _counted(
        stage, messages, processes.measured(command, work, {"NODE_PATH": str(NODE_MODULES)})
    )


async def _reference(stage: Stage, connections: int) -> Measured:
    messages = stage.sizes.of("reference")
    run = source.measure(stage.sink.port, stage.message_path, messages=messages, connections=connections)
    return await _counted(stage, messages, run)


async def _counted(stage: Stage, messages: int, run: Awaitable[Measured]) -> Measured:
    """Raises DoesNotAddUp if the sink did not take as many as the sender says."""
    before = stage.sink.taken()
    measured = await run
    if (taken := stage.sink.taken() - before) != messages:
        raise DoesNotAddUp(f"The sink took {taken} of {messages} messages.")
    return measured


def _has_nodemailer() -> bool:
    return shutil.which("node") is not None and (NODE_MODULES / "nodemailer").is_dir()
