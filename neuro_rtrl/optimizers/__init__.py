"""Optimizers: one file each, found by its name; the file offers `OPTIMIZER`, a class."""
