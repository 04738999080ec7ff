"""The desk's router: one module for each page and what can be done on it."""

from fastapi import APIRouter

from service.desk import (
    blocks,
    bounces,
    canary,
    deliveries,
    departure,
    dkim,
    doctor,
    editions,
    live,
    looks,
    newsletters,
    on_the_web,
    own_template,
    preview,
    proofs,
    recovery,
    relay_hook,
    relay_providers,
    relays,
    sharing,
    sign_in,
    suppressions,
    today,
    workers,
)

router = APIRouter()
PAGES = (
    sign_in,
    today,
    newsletters,
    canary,
    on_the_web,
    blocks,
    editions,
    preview,
    sharing,
    departure,
    live,
    looks,
    own_template,
    deliveries,
    proofs,
    recovery,
    relays,
    relay_providers,
    relay_hook,
    dkim,
    bounces,
    suppressions,
    doctor,
    workers,
)
for page in PAGES:
    router.include_router(page.router)
