"""Morning Memo: a self-hosted newsletter service for newsrooms.

A folder here is a room (one domain word) or a door (one kind of visitor); a file is an entrance or the ground.
`docs/ARCHITECTURE.md` is the map on one page.
"""
