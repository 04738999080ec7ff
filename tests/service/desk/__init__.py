"""The desk as an editor meets it: pages and forms, on both databases."""
