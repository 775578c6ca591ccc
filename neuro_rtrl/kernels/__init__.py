"""Numba primitives: what every compiled step is put together from."""
