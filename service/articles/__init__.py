"""Articles: texts read from pages and feeds, or written, and kept by us once for each canonical URL.

    feed or URL -> fetching -> feed.parse | extraction.extract -> intake -> article

This room owns its articles, the feeds they come from and the names under which a feed's items are known. Reading
(`decoding`, `dates`, `links`, `page`, `marking`, `markdown`, `extraction`, `feed`) is pure: bytes in, facts out, no SQL and
no network. It never decides what goes into an edition, and never treats an article's text as a template.
"""
