"""Learning rules: one file each, found by its name; the file offers `RULE`."""
