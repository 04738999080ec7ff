"""That sending as a whole is on hold, said by every command whose wish waits for that."""

import sys
from typing import TYPE_CHECKING

from service.cli import opening

if TYPE_CHECKING:
    from service.settings import Settings


def say(chosen: "Settings") -> None:
    """What was asked for is kept, and waits: whoever asked should not wait for it unawares."""
    from service.backups import continuity
    from service.backups.continuity import Hold
    from service.dependencies import Resources

    async def hold(resources: Resources) -> Hold | None:
        return await resources.database.read(continuity.hold)

    if found := opening.run(opening.with_resources(chosen, hold)):
        print(
            f"But sending is on hold: {found.reason} It leaves when somebody decides, at the desk or with memo release.",
            file=sys.stderr,
        )
