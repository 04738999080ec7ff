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

PAGES = (signing_up, confirming, leaving, preferences, feed, reading, pictures, proof_keys, shared)
ROUTES = [route for page in PAGES for route in page.router.routes]
