"""What goes over the wire: one file for each kind of thing, with the examples that the OpenAPI document shows."""
