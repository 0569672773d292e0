"""The quality of an encoder in each language; `python -m benchmarks.languages` measures it."""
