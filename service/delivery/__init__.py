"""How a message leaves: spans taken and let go, messages made and handed to the relay, outcomes judged and recorded.

Nouns: relay, transport, span, attempt, outcome. Nothing is sent that the database did not know of: an intent is committed before
MAIL, under the fence. This room never decides what an edition says or who subscribes.
"""
