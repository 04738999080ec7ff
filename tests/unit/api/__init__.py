"""What the API promises of itself, read from its routes and models; no request is made."""
