"""What may change the order of an answer after a search: re-rankers, and diversity."""
