"""Tasks: one file each, found by its name; the file offers `make(rng, **options) -> Task`."""
