"""The web application for tests."""

from fastapi import FastAPI
from starlette.datastructures import State

from service.app import create_app
from service.dependencies import Resources

_apps: dict[str, FastAPI] = {}


def app_of(resources: Resources) -> FastAPI:
    """The application over these resources: one for all tests at a public address, for working out the routes takes a while."""
    address = resources.settings.base_url
    if address not in _apps:
        _apps[address] = create_app(resources)
    _apps[address].state = State({"resources": resources})
    return _apps[address]
