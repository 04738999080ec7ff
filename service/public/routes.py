from fastapi import APIRouter

from service.public import (
    confirming,
    feed,
    leaving,
    pictures,
    preferences,
    proof_keys,
    reading,
    shared,
    signing_up,
)

router = APIRouter()
for page in (signing_up, confirming, leaving, preferences, feed, reading, pictures, proof_keys, shared):
    router.include_router(page.router, include_in_schema=False)
