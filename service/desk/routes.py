"""The desk's router: one module for each page and what can be done on it."""

from fastapi import APIRouter

from service.desk import (
    deliveries,
    departure,
    editions,
    live,
    newsletters,
    preview,
    proofs,
    relays,
    sign_in,
    today,
)

router = APIRouter()
for page in (sign_in, today, newsletters, editions, preview, departure, live, deliveries, proofs, relays):
    router.include_router(page.router)
