"""Rendering: content to bytes, and nothing else.

document (blocks) → marks for personal fields → Jinja → CSS inlined → parts in their transfer encoding, with **holes** = a rendition;
rendition + one reader's values → the finished message, by joining byte strings.

Nouns: block, document, content, mark, hole, part, rendition, notice. Pure: no database, no network, no clock; the only files read are
our own templates. Text from articles and readers is never run as a template.
"""
