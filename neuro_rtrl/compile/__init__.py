"""Expressions to kernels: writes the source of a step and compiles it."""
