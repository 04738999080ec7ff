"""The JSON API at `/api/v1`: keys in `Authorization: Bearer …`, errors as problem+json (RFC 9457)."""
