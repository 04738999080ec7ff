from collections.abc import AsyncIterator

import pytest

from service.dependencies import Resources
from service.mailbox.catcher import Catcher
from service.settings import Settings


@pytest.fixture
async def catcher(chosen: Settings, resources: Resources) -> AsyncIterator[Catcher]:
    settings = chosen.model_copy(update={"mailbox_port": 0})
    catcher = Catcher(settings, resources.database, resources.clock)
    await catcher.start()
    yield catcher
    await catcher.stop()
