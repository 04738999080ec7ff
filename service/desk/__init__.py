"""The editors' pages at `/desk`: server-rendered, signed in by session cookie. A door: it translates, rooms decide."""
