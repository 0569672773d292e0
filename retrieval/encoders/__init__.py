"""Encoders: models that map images and texts into one space."""
