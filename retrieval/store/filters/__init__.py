"""Filters over items: a small language, its predicates, and what they mean in SQL and in Python."""
