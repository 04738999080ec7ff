"""The editors' pages under `/desk`: what is due, what is in it, who gets it, and how it leaves.

Owns its routes, its templates in `templates/desk/`, and the views that gather what a page shows. Every action is a plain form
that works without script. It holds no rule of its own about editions or deliveries: it asks the rooms, and shows what they say.
"""
