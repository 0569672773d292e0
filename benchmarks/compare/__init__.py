"""Two runs beside each other: what differs by more than chance, and what may not be compared."""
