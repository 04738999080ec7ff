"""The publication people subscribe to: its names, sender, zone, language and looks.

Nouns: newsletter. This room never knows who subscribes or what an edition holds.
"""
