"""Measurements of polyseek."""
