"""The desk's decisions that need no request."""
