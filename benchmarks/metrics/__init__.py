"""What answers are worth: pure functions of what a system returned."""
