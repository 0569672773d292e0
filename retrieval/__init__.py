"""The shared kernel and the query side: encoders, images, the on-disk format, search."""
