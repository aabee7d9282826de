"""One evaluation of a model: paint pictures, measure them, write the report.

- `evaluate`: one evaluation from start to end, including what could not be measured
- `evaluation_data`: the prompts, pictures and evaluators that all sections share
- `evaluators`: the judge, and a CLIP other than the one that conditions the model
- `formats/`: the report as JSON, Markdown and HTML
- `nearest_sheet`: the sheet of painted pictures and their nearest real pictures
- `plan`: how many pictures fit into the given minutes
- `real_pictures`: the real pictures to compare with, and which of them the model has seen
- `sections/`: the sections of the report: from measurements to figures
- `shown`: the pictures in the report: the first seeds of each prompt, not selected
"""
