"""Published figures, and what a figure of one's own says beside them."""
