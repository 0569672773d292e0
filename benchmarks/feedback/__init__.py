"""What feedback, re-ranking, wordings and long texts do to answers; see `__main__`."""
