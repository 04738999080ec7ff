"""Pictures of our own: taken in, made fit for mail, kept under a name made of what they hold, and shown at `/media/{name}`.

    bytes -> judged -> turned upright, made smaller, written anew as JPEG or PNG -> store -> row -> /media/{name}

Nouns: picture (bytes and their name), store (a folder, or a bucket), address (what a document calls a picture: one of ours, or one
elsewhere of which we have a copy). This room changes no document and knows of no edition: a document keeps the address that its editor
gave, and what is shown for it is looked up when the edition is rendered.
"""
