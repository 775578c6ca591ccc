"""Exporters: one file each, found by its name; the file offers `EXPORTER`."""
