"""`python -m bench.rendering`: how long an edition takes to be rendered, and a message to be spliced beside joining the same bytes."""

import sys
import time
from collections.abc import Callable

from service.rendering import body, personal
from service.rendering.content import Personal
from service.rendering.rendition import Rendition
from tests.support import sample_editions
from tests.unit.rendering import samples

RENDER_MS, SPLICE_RATIO = 50.0, 3.0
ROUNDS, RENDERS, SPLICES = 7, 5, 2_000


def main() -> int:
    content = sample_editions.made("theme-ledger")
    render = _best(lambda: body.render(content, sample_editions.TEMPLATES), RENDERS) * 1000
    rendition = body.render(content, sample_editions.TEMPLATES)
    readers = [samples.PERSONAL._replace(address=f"reader{n}@example.net", number=n) for n in range(SPLICES)]
    spliced = _best(lambda: _splice_all(rendition, readers), 1) / SPLICES * 1e6
    pieces = _pieces(personal.splice(rendition, samples.ENVELOPE, samples.PERSONAL))
    joined = _best(lambda: b"".join(pieces), SPLICES) * 1e6
    ratio = spliced / joined
    print(f"render an edition with one of each block: {render:.1f} ms (wanted: at most {RENDER_MS:.0f})")
    print(f"splice a message: {spliced:.1f} µs; join its {len(pieces)} lines: {joined:.1f} µs")
    print(f"ratio {ratio:.2f} (wanted: at most {SPLICE_RATIO:.0f})")
    return 0 if render <= RENDER_MS and ratio <= SPLICE_RATIO else 1


def _splice_all(rendition: Rendition, readers: list[Personal]) -> None:
    for reader in readers:
        personal.splice(rendition, samples.ENVELOPE, reader)


def _pieces(message: bytes) -> list[bytes]:
    return message.splitlines(keepends=True)


def _best(work: Callable[[], object], times: int) -> float:
    """Seconds of CPU for one, in the best of several rounds: what the machine does besides is none of ours."""
    found = []
    for _ in range(ROUNDS):
        began = time.process_time()
        for _ in range(times):
            work()
        found.append((time.process_time() - began) / times)
    return min(found)


if __name__ == "__main__":
    sys.exit(main())
