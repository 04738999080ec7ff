"""People, their subscriptions, and the proof that they asked.

Nouns: subscriber (a person with one address), subscription (pending, active, ended), consent event, audience. This room never
makes or sends a message: it says that a confirmation is due, and a door queues the notice.
"""
