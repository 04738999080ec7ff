"""The signing desk: messages that are to be signed are made and signed ahead, before a connection announces them.

    a page's errands -> waiting -> made here, signed by processes of their own (`signers`) -> the connections' own queue

A signature takes longer than everything else that is done for a message. Errands that need none never come here.
"""

import asyncio
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from service import vault
from service.database import Database
from service.delivery import dkim_keys
from service.delivery.carrying import Shift
from service.delivery.exchange import Envelope
from service.delivery.holding import Errand
from service.delivery.messages import Mould
from service.delivery.office import Office
from service.delivery.turns import Turns
from service.errors import NotFound
from service.tokens import Keys

if TYPE_CHECKING:
    from service.delivery.dkim import SigningKey, Unsigned
    from service.delivery.signers import Signers

BATCH = 8  # handing over to a process and back costs a tenth of a signature: shared by some, and the first message is soon there
BATCHES = 4  # under way at once: while one is signed, the next ones are being made
AHEAD = 2 * BATCH * BATCHES
ASKED_SECONDS = 1.0
RELAXED_KEPT = 64

Place = tuple[str, str]  # domain and selector


class SigningKeyGone(NotFound):
    """The DKIM key that this message was begun with is gone; made with another one it would be another message."""


CANNOT_SIGN = (SigningKeyGone, vault.KeyMissing, vault.BoxDamaged)


class KeyRing:
    """The keys that this process has unlocked, and which of them sign now."""

    def __init__(self, database: Database, keys: Keys) -> None:
        self._database = database
        self._keys = keys
        self._active: Mapping[str, str] = {}
        self._asked_at = float("-inf")
        self._unlocked: dict[Place, SigningKey] = {}
        self._uids: dict[Place, uuid.UUID] = {}

    async def active(self) -> Mapping[str, str]:
        """The selector that signs now, by domain; not older than a second."""
        now = asyncio.get_running_loop().time()
        if now - self._asked_at >= ASKED_SECONDS:
            found = await self._database.read(dkim_keys.signing_now)
            self._active = {domain: selector for domain, selector, _ in found}
            self._asked_at = now
            for domain, selector, uid in found:
                if (
                    self._uids.get((domain, selector), uid) != uid
                ):  # another key under a name that was free again
                    self._unlocked.pop((domain, selector), None)
        return self._active

    async def unlock(self, place: Place) -> "SigningKey":
        """Raises SigningKeyGone, vault.KeyMissing, vault.BoxDamaged."""
        if place not in self._unlocked:
            kept = await self._database.read(dkim_keys.find, *place)
            if kept is None:
                raise SigningKeyGone
            self._unlocked[place] = await asyncio.to_thread(dkim_keys.unlocked, self._keys, kept)
            self._uids[place] = kept.uid
        return self._unlocked[place]

    def held(self, place: Place) -> "SigningKey":
        """One that was unlocked before. Raises SigningKeyGone."""
        found = self._unlocked.get(place)
        if found is None:
            raise SigningKeyGone
        return found


def place_of(pins: Mapping[str, Any]) -> Place | None:
    """Which key signs a message with these pins; None: nobody does."""
    pinned = pins.get("dkim")
    return (pinned[0], pinned[1]) if pinned else None


async def signed_notice(ring: KeyRing, envelope: Envelope, at: datetime) -> Envelope:
    """A notice with the signature of its From domain, if that has a key that signs. One that is signed already stays as it is."""
    domain = envelope.mail_from.rpartition("@")[2]
    selector = (await ring.active()).get(domain)
    if selector is None:
        return envelope
    from service.delivery import dkim

    if envelope.message.startswith(dkim.FIELD):
        return envelope
    key = await ring.unlock((domain, selector))
    return replace(envelope, message=await asyncio.to_thread(dkim.sign, envelope.message, key, at=at))


@dataclass
class _Made:
    """With its key, if it is to be signed."""

    errand: Errand
    key: "SigningKey | None" = None
    unsigned: "Unsigned | None" = None

    def sign(self, signature: bytes) -> None:
        envelope = self.errand.made
        assert isinstance(envelope, Envelope) and self.unsigned is not None
        self.errand = self.errand._replace(made=replace(envelope, message=self.unsigned.signed(signature)))


class SigningDesk:
    def __init__(self, office: Office, shift: Shift) -> None:
        self._office = office
        self._shift = shift
        self._ring = KeyRing(office.database, office.keys)
        self._waiting = Turns()
        self._signers: Signers | None = None  # not before the first use
        self._relaxed: dict[int, bool] = {}

    def waiting_count(self, edition_id: int) -> int:
        return self._waiting.count_of(edition_id)

    async def active(self) -> Mapping[str, str]:
        """What a take pins: the selector by domain. Nothing, if the relay signs or rewrites messages: our signature would not hold."""
        return await self._ring.active() if self._office.keeps_our_bytes else {}

    async def know(self, pins: Mapping[str, Any], places: Iterable[Place]) -> None:
        """Have the keys at hand. Raises what `KeyRing.unlock` does if the one that these pins name cannot be had.

        Without one of the others only a row that was tried before cannot be made, and it is held with the reason.
        """
        if (place := place_of(pins)) is not None:
            await self._ring.unlock(place)
        for other in places:
            try:
                await self._ring.unlock(other)
            except CANNOT_SIGN:
                continue

    def give(self, errand: Errand) -> None:
        self._waiting.put_nowait(errand)

    async def run(self) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(BATCHES):
                    group.create_task(self._work())
        finally:
            if self._signers is not None:
                await self._signers.closed()

    async def _work(self) -> None:
        while True:
            errands = [await self._waiting.get()]
            await self._until_few_are_signed()
            while len(errands) < BATCH and not self._waiting.empty():
                errands.append(self._waiting.get_nowait())
            for errand in await self._signed([self._made(*work) for work in self._wanted(errands)]):
                self._shift.put_signed(errand)

    def _wanted(self, errands: list[Errand]) -> Iterator[tuple[Errand, Mould]]:
        """What is not wanted any more stays as it was."""
        for errand in errands:
            mould = self._shift.moulds.get(_pins(errand)["rendition"])
            if mould is not None and self._shift.is_wanted(errand):
                yield errand, mould
            else:
                errand.done()
        self._shift.one_begun.set()

    async def _until_few_are_signed(self) -> None:
        """Not further ahead than the connections soon take: whoever leaves meanwhile is signed for nothing."""
        shift = self._shift
        while shift.signed_count > AHEAD and not shift.draining.is_set():
            shift.one_begun.clear()
            await shift.one_begun.wait()

    def _made(self, errand: Errand, mould: Mould) -> "_Made":
        from service.delivery import dkim

        pins = _pins(errand)
        place = place_of(pins)
        try:
            assert place is not None
            key = self._ring.held(place)
            envelope = self._office.message(mould, errand.row, pins)
            is_relaxed = self._has_relaxed_body(pins["rendition"], envelope.message)
            at = datetime.fromisoformat(pins["date"])
            unsigned = dkim.prepared(envelope.message, key, at=at, body_is_relaxed=is_relaxed)
        except Exception as problem:  # told where it would be sent: this reader's message is held
            return _Made(errand._replace(made=problem))
        return _Made(errand._replace(made=envelope), key, unsigned)

    async def _signed(self, made: Sequence["_Made"]) -> list[Errand]:
        """All of them, also those that could not be made."""
        for key in {one.key for one in made if one.key is not None}:
            work = [one for one in made if one.key == key]
            digests = [one.unsigned.digest for one in work if one.unsigned is not None]
            for one, signature in zip(work, await self._signatures(key, digests), strict=True):
                one.sign(signature)
        return [one.errand for one in made]

    async def _signatures(self, key: "SigningKey", digests: Sequence[bytes]) -> list[bytes]:
        if self._signers is None:
            from service.delivery.signers import Signers

            self._signers = Signers()
        return await self._signers.sign(key, digests)

    def _has_relaxed_body(self, rendition: int, message: bytes) -> bool:
        """Looked at in one message for all of a rendition: what is not the same in them is relaxed as it is encoded.

        A rendition that was stored before that was so may be otherwise.
        """
        from service.delivery import dkim

        if rendition not in self._relaxed:
            if len(self._relaxed) >= RELAXED_KEPT:
                self._relaxed.clear()
            self._relaxed[rendition] = dkim.has_relaxed_body(message)
        return self._relaxed.get(rendition, False)


def _pins(errand: Errand) -> Mapping[str, Any]:
    return errand.row.pins or errand.taken.pins
