"""Columns, scratch arrays and atomic files.

- `atomic`: files that are there in full or not at all, and folders with one writer, with errors
  that help
- `columns`: columns as long as a data set, kept small: texts end to end with offsets, labels as
  numbers
- `scratch`: room for large arrays: in memory, or in an unnamed file where they are larger than a
  limit
"""
