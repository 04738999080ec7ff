"""The door for relays: `/hooks/{relay}/{secret}`, where they tell us what became of messages.

It reads the body as it came, has it proved and read (`bounces.hooks`), and answers 2xx only when what it said is kept.
"""
