"""`make bench`: the engine beside other senders on one sink, in one run. docs/BENCH.md says how to read it."""

import argparse
import asyncio
import os
import signal
import sys
import tempfile
from pathlib import Path

import uvloop

from bench import million, parts, rounds, stage, summary
from bench.bases import NotDurable
from bench.ledger import DoesNotAddUp
from bench.parts import PARTS
from bench.processes import SenderFailed, Stopwatch
from bench.product import NotStarted
from bench.sink import PostfixMissing
from bench.stage import Sizes, Stage
from bench.summary import Figures
from tests.support.processes import Died

USUAL_CONNECTIONS = (40, 20)
READERS, MILLION = 100_000, 1_000_000
COUNTS_FOR_NOTHING = (DoesNotAddUp, NotDurable, NotStarted, SenderFailed, Died, TimeoutError)
# These before the rounds, which then have what is left of the time.
PARTS_ONCE = {
    "captured": parts.captured_messages,
    "dkim": parts.dkim,
    "far": parts.far_away,
    "overtaking": parts.overtaken,
    "crash": parts.crash,
}


def main() -> int:
    asked = _asked()
    figures = summary.blank()
    with tempfile.TemporaryDirectory(prefix="memo-bench-") as folder:
        Path(folder).chmod(0o755)  # the sink is nobody, and must reach its own folder
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(_run(Path(folder), asked, figures))
        except PostfixMissing as missing:
            print(missing)
            return 1
        except COUNTS_FOR_NOTHING as problem:
            print(f"This run counts for nothing: {problem}")
            return 1
        except (KeyboardInterrupt, asyncio.CancelledError):
            print("Stopped; nothing was written.")
            return 130
    summary.write(figures)
    print(f"The same figures: {summary.PATH}")
    return 0


async def _run(folder: Path, asked: argparse.Namespace, figures: Figures) -> None:
    task = asyncio.current_task()
    assert task is not None
    # As Ctrl-C does: what was started is stopped, what was written is taken away.
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    watch = Stopwatch()
    readers = asked.readers or (MILLION if asked.million else READERS)
    sizes = Sizes(readers, min(readers, asked.baseline))
    wanted = asked.only or PARTS
    with_postgresql = not {"postgresql", "overtaking"}.isdisjoint(wanted)
    async with stage.opened(folder, sizes, with_postgresql=with_postgresql, say=_say) as opened:
        _say(_heading(opened))
        if asked.million:
            figures |= await million.measure(opened, wanted, max(asked.connections))
            return
        for name, part in PARTS_ONCE.items():
            if name in wanted:
                figures |= await part(opened)
        candidates = list(parts.candidates(opened, wanted, asked.connections))
        results = await rounds.compare(
            candidates,
            asked.rounds,
            has_time_for=lambda seconds: watch.seconds + seconds < asked.minutes * 60,
            say=_say,
        )
    figures |= summary.of_results(results)
    figures |= {"messages": sizes.readers, "octets": opened.octets}
    for line in (*summary.table(results), *summary.notable(figures)):
        _say(line)


def _asked() -> argparse.Namespace:
    asked = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    asked.add_argument(
        "--only",
        action="append",
        choices=PARTS,
        metavar="PART",
        help=f"one of {', '.join(PARTS)}; can be repeated",
    )
    asked.add_argument(
        "--connections", type=int, action="append", help="can be repeated; 40 and 20 if not given"
    )
    asked.add_argument("--readers", type=int, help=f"messages in each run of ours; {READERS:,} if not given")
    asked.add_argument(
        "--baseline",
        type=int,
        default=10_000,
        help="messages in each run of sendmail; a fifth of it of slower ones",
    )
    asked.add_argument("--rounds", type=int, default=3)
    asked.add_argument(
        "--minutes", type=float, default=15.0, help="no repetition that would end later than this"
    )
    asked.add_argument(
        "--million", action="store_true", help="only this: a million readers, once for each database"
    )
    chosen = asked.parse_args()
    chosen.connections = chosen.connections or list(USUAL_CONNECTIONS)
    return chosen


def _heading(opened: Stage) -> str:
    sizes = opened.sizes
    return (
        f"{sizes.readers:,} readers (others {sizes.baseline:,}), {opened.octets:,} octets a message, smtp-sink on"
        f" loopback, {os.cpu_count()} processors, data on {opened.filesystem}"
    )


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
