"""Small maps learned from a collection: torch, a CPU, seconds."""
