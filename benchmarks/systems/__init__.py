"""What is measured: each system builds an index over vectors and answers with row numbers."""
