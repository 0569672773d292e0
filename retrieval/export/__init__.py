"""What a collection holds, for other programs: rows of tables and arrays of vectors.

`records` reads an open collection piece by piece, `tables` and `arrays` write what it reads,
`files` puts files in place whole. Neither torch nor FAISS is needed.
"""
