"""Measurements for people: tables and plots."""
