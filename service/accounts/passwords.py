"""Passwords: argon2id, two at a time.

One hash costs about 105 ms and 64 MiB, so sign-in attempts could exhaust the memory of a small host: `Passwords` gives
them a pool of two threads. An unknown address is checked against a hash that no password fits, so that it takes as long.
"""

import asyncio
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

from pwdlib import PasswordHash

from service import tokens
from service.errors import Invalid

AT_ONCE = 2
SHORTEST = 10
LONGEST = 500


class PasswordUnsuitable(Invalid):
    """Please choose a password of at least 10 and at most 500 characters."""


class Passwords:
    """Held by an entrance, one for the process."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="memo-password")

    async def hash(self, password: str) -> str:
        return await asyncio.get_running_loop().run_in_executor(self._pool, hash_password, password)

    async def verify(self, password: str, password_hash: str | None) -> bool:
        return await asyncio.get_running_loop().run_in_executor(self._pool, verify, password, password_hash)

    def close(self) -> None:
        self._pool.shutdown(wait=False)


def hash_password(password: str) -> str:
    """Takes 0.1 s: where others wait, go through `Passwords`."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise PasswordUnsuitable(field="password")
    return _hasher().hash(_normal(password))


def verify(password: str, password_hash: str | None) -> bool:
    """Whether it fits; None is the hash of an address we do not know, and takes as long."""
    if len(password) > LONGEST:
        return False
    fits = _hasher().verify(_normal(password), password_hash or _nobodys())
    return fits and password_hash is not None


def _normal(password: str) -> str:
    # The same password from another keyboard may be composed differently (NIST SP 800-63B §3.1.1.2).
    return unicodedata.normalize("NFKC", password)


@lru_cache(maxsize=1)
def _hasher() -> PasswordHash:
    return PasswordHash.recommended()


@lru_cache(maxsize=1)
def _nobodys() -> str:
    return _hasher().hash(tokens.new_secret())
