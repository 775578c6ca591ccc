"""The papers' experiments run again: `python -m benchmarks reproductions`."""
