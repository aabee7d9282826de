"""The studio: a page in the browser that paints, explains, edits and trains.

- `app`: adds a studio to the application of a server
- `gallery/`: painted pictures that are kept, in a folder with an index
- `kinds/`: the kinds of jobs that the page needs beside painting
- `map/`: pictures and words in a plane
- `routes/`: the routes of the page and of all this
- `sources/`: pictures to train on
- `studio`: what a studio has beside the server
- `training/`: trainings as processes of their own
- `unavailable`: the form of an answer where a model cannot say something
"""
