import pytest

from service.dependencies import Resources
from service.newsletters.models import Newsletter
from tests.service.readers import steps


@pytest.fixture
async def memo(resources: Resources) -> Newsletter:
    return await steps.newsletter(resources)
