"""Folders of real pictures, made from photographs at hand and from packages of Debian."""
