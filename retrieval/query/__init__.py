"""What a query is, and how its terms become one vector."""
