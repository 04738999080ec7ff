"""Articles: texts read from pages and feeds, or written, and kept by us once for each canonical URL.

    feed or URL -> fetching -> feed.parse | extraction.extract -> intake -> article

This room owns its articles, the feeds they come from and the names under which a feed's items are known. What reads
bytes (`extraction`, `feed` and what they import) is pure: facts out, no SQL, no network. The room never decides what
goes into an edition, and never treats an article's text as a template.
"""
