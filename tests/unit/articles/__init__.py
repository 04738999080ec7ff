"""Reading pages and feeds: bytes in, facts out."""
