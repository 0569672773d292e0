"""Data sets: pictures, texts, and which belong together; one small file each."""
