"""Benchmarks: one script per question; `python -m benchmarks QUESTION --json FILE --out FOLDER`."""
