"""A bounce that names nobody in any form we know: flufl.bounce may know the form. Asked for the address alone, never for what it means:
of real bounces it called about two others permanent for each dead address.
"""

import email
import warnings

from flufl.bounce import all_failures

from service.bounces import addressing

MOST_OCTETS = 100_000
MOST_RECIPIENTS = 20


def addresses_in(raw: bytes) -> list[str]:
    """Whom it may be about; empty where it does not know either."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            temporary, permanent = all_failures(email.message_from_bytes(raw[:MOST_OCTETS]))
    except (
        Exception
    ):  # what it does with broken mails is not in our hands, and a reader of mails must not stop
        return []
    named = sorted(one.decode("utf-8", "replace") for one in {*temporary, *permanent})
    return [address for one in named if (address := addressing.first_in(one))][:MOST_RECIPIENTS]
