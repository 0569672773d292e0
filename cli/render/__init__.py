"""Hits as something to look at: a table, terminal thumbnails, a contact sheet, an HTML page.

Takes hits and returns what is to be shown or written. Knows nothing of the engine, and of a
collection only the paths in its hits; a picture that is gone or broken becomes a tile saying so.
"""
