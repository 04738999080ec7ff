"""Pure tests: no database, no network; the whole tier in seconds."""
