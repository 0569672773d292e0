"""How well "no good match" is told from a match, on collections whose answers are known."""
