from collections.abc import AsyncIterator

import httpx2
import pytest

from service.dependencies import Resources
from service.editions.models import Edition
from service.newsletters.models import Newsletter
from tests.service.desk import steps


@pytest.fixture
async def ada(resources: Resources, client: httpx2.AsyncClient) -> AsyncIterator[httpx2.AsyncClient]:
    """An editor, signed in."""
    await steps.account(resources)
    answer = await steps.sign_in(client)
    assert answer.status_code == 303, answer.text
    yield client


@pytest.fixture
async def memo(resources: Resources) -> Newsletter:
    return await steps.newsletter(resources)


@pytest.fixture
async def draft(resources: Resources, memo: Newsletter) -> Edition:
    """Two articles for three readers."""
    await steps.readers(resources, memo)
    return await steps.edition(resources, memo, "The ferry stays", "Rain at last")
