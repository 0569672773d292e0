"""Nearest-neighbour search over unit vectors: exact and IVF-PQ."""
