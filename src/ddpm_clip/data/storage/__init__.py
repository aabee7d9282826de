"""Columns, scratch arrays and atomic files.

- `atomic`: atomic writing of files, and folders with one writer at a time
- `columns`: compact columns of texts and labels, as long as a data set
- `scratch`: allocates large arrays in memory, or in an unnamed file above a limit
"""
