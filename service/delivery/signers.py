"""Processes that sign, for as long as there is something to sign. The bare RSA operation is theirs, and nothing else.

In threads of this process it took turns with everything else at the interpreter's lock: 1,100 messages a second on two processors,
where processes of their own let 1,700 leave. A key goes through a pipe to a process of the same user, and ends with it.
"""

import asyncio
import os
import sys
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from itertools import cycle
from pathlib import Path

import cryptography

from service import logs
from service.delivery import dkim, dkim_material, signing_process
from service.delivery.dkim import SigningKey
from service.delivery.signing_process import A_KEY, ANSWER, DIGESTS, FRAME

log = logs.get(__name__)

# One keeps up with two processes of ours: making and sending a message takes longer than signing it.
PROCESSES = max(1, min(4, len(os.sched_getaffinity(0)) // 2))
IDLE_SECONDS = 30.0
ANSWER_SECONDS = 10.0
TRY_AGAIN_SECONDS = 60.0
GONE_SECONDS = 5.0
_ALONE = ("-s", "-P")  # no packages of the user's own, and nothing from beside the program
_LIBRARIES = str(Path(cryptography.__file__).parents[1])
_KEPT_VARIABLES = ("PATH", "LD_LIBRARY_PATH", "SYSTEMROOT")


class SignerGone(Exception):
    """A process that signed has ended."""


class Signers:
    """Started with the first digest, and ended when nobody has asked for a while."""

    def __init__(self) -> None:
        self._at_work: list[_Signer] = []
        self._leaving: list[_Signer] = []
        self._turn = cycle(self._at_work)
        self._starting = asyncio.Lock()
        self._resting: asyncio.TimerHandle | None = None
        self._not_before = float("-inf")

    async def sign(self, key: SigningKey, digests: Sequence[bytes]) -> list[bytes]:
        """A signature for each digest. Where the processes fail a thread does it, and all that comes in the next minute."""
        if asyncio.get_running_loop().time() >= self._not_before:
            try:
                return await self._asked(key, digests)
            except (OSError, SignerGone) as error:  # a time-out is an OSError
                self._give_up(error)
        return await asyncio.to_thread(_here, key, digests)

    def close(self) -> None:
        if self._resting is not None:
            self._resting.cancel()
            self._resting = None
        for signer in self._at_work:
            signer.end()
        self._leaving = [one for one in self._leaving if not one.is_gone] + self._at_work
        self._at_work = []

    async def closed(self) -> None:
        """`close`, and wait until they are gone: uvloop refuses to end beside a process whose end it has not seen."""
        self.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(GONE_SECONDS):
                await asyncio.gather(*(signer.gone() for signer in self._leaving))

    async def _asked(self, key: SigningKey, digests: Sequence[bytes]) -> list[bytes]:
        self._rest_later()
        async with self._starting:
            if not self._at_work:
                await self._start()
        async with asyncio.timeout(ANSWER_SECONDS):
            return await next(self._turn).sign(key, digests)

    async def _start(self) -> None:
        started: list[_Signer] = []
        try:
            for _ in range(PROCESSES):
                started.append(await _Signer.started())
        except BaseException:
            for signer in started:
                signer.end()
            self._leaving += started
            raise
        self._at_work, self._turn = started, cycle(started)

    def _give_up(self, error: Exception) -> None:
        now = asyncio.get_running_loop().time()
        if now >= self._not_before:
            log.warning("dkim.signer_gone", problem=str(error) or type(error).__name__)
        self._not_before = now + TRY_AGAIN_SECONDS
        self.close()

    def _rest_later(self) -> None:
        if self._resting is not None:
            self._resting.cancel()
        self._resting = asyncio.get_running_loop().call_later(IDLE_SECONDS, self.close)


class _Signer:
    """One process. Answers come in the order of the questions, also when whoever asked has gone."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None and process.stdout is not None
        self._process = process
        self._asked = process.stdin
        self._numbers: dict[SigningKey, int] = {}
        self._waiting: deque[asyncio.Future[bytes]] = deque()
        self._reading = asyncio.create_task(self._read(process.stdout))

    @classmethod
    async def started(cls) -> "_Signer":
        """Raises OSError. In a session of its own: Ctrl-C is for its parent, and it ends with its input."""
        kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
        return cls(
            await asyncio.create_subprocess_exec(
                sys.executable,
                *_ALONE,
                str(Path(signing_process.__file__)),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                env={**kept, "PYTHONPATH": _LIBRARIES},
                start_new_session=True,
            )
        )

    async def sign(self, key: SigningKey, digests: Sequence[bytes]) -> list[bytes]:
        """Raises SignerGone."""
        if self._reading.done() or self._asked.is_closing():
            raise SignerGone
        try:
            self._asked.write(self._introduced(key) + _frame(DIGESTS, self._numbers[key], b"".join(digests)))
        except RuntimeError as error:  # uvloop's word for a pipe that has just closed
            raise SignerGone from error
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._waiting.append(answer)
        given = await answer
        size = len(given) // len(digests)
        return [given[start : start + size] for start in range(0, len(given), size)]

    @property
    def is_gone(self) -> bool:
        return self._process.returncode is not None and self._reading.done()

    async def gone(self) -> None:
        await asyncio.gather(self._process.wait(), self._reading)

    def end(self) -> None:
        """At once, also if it hangs: whoever waits for it has its work done elsewhere."""
        with suppress(ProcessLookupError):
            self._process.kill()
        self._asked.close()

    async def _read(self, answers: asyncio.StreamReader) -> None:
        try:
            while True:
                (length,) = ANSWER.unpack(await answers.readexactly(ANSWER.size))
                given = await answers.readexactly(length)
                answer = self._waiting.popleft()
                if not answer.done():
                    answer.set_result(given)
        except (OSError, EOFError):
            pass
        finally:
            while self._waiting:
                if not (answer := self._waiting.popleft()).done():
                    answer.set_exception(SignerGone())

    def _introduced(self, key: SigningKey) -> bytes:
        if key in self._numbers:
            return b""
        self._numbers[key] = len(self._numbers)
        return _frame(A_KEY, self._numbers[key], dkim_material.to_bytes(key.private))


def _frame(kind: int, number: int, content: bytes) -> bytes:
    return FRAME.pack(kind, number, len(content)) + content


def _here(key: SigningKey, digests: Sequence[bytes]) -> list[bytes]:
    return [dkim.signature(key, digest) for digest in digests]
