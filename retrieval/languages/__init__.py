"""Languages: their tags, what other tables call them, and which one a text is written in."""
