"""The only writer of collections."""
