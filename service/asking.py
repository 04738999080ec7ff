"""What a request may ask for."""

from typing import Annotated

from fastapi import Depends, Request

from service.dependencies import Resources


def resources(request: Request) -> Resources:
    held: Resources = request.app.state.resources
    return held


def client_of(request: Request) -> str:
    """The address the request came from; forwarded headers have been applied only for trusted proxies."""
    return request.client.host if request.client else "unknown"


Asked = Annotated[Resources, Depends(resources)]
Client = Annotated[str, Depends(client_of)]
