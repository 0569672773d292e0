"""The collection on disk: manifest, segments, catalogue. Read side and format."""
