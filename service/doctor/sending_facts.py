"""How a newsletter's messages leave, as far as its domain's records are concerned. Pure."""

from dataclasses import dataclass

from service.delivery.profiles import Fate, Profile


@dataclass(frozen=True)
class Sending:
    """`relays`: the kinds of the main relay and its fallback. `place`: the name of the machine that messages leave from, where that is
    one of our own, and `addresses` those it has.
    """

    relays: tuple[Profile, ...] = ()
    place: str = ""
    addresses: tuple[str, ...] = ()

    @property
    def return_path(self) -> Fate:
        """Whether an envelope sender of ours reaches the reader's server, by any relay in use."""
        fates = {relay.return_path for relay in self.relays}
        if Fate.KEPT in fates:
            return Fate.KEPT
        return Fate.REPLACED if fates == {Fate.REPLACED} else Fate.UNKNOWN

    @property
    def we_sign(self) -> bool:
        """Whether a signature of ours reaches the reader, by any relay in use."""
        return not self.relays or any(relay.keeps_bytes for relay in self.relays)

    @property
    def includes(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(relay.spf_include for relay in self.relays if relay.spf_include))

    @property
    def labels(self) -> str:
        return " and ".join(dict.fromkeys(relay.label for relay in self.relays)) or "the relay"
