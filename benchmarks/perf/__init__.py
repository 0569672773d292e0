"""Speed, as ratios to known limits."""
