"""The model under study: a denoiser, a prompt, seeds, and what reads the pictures.

- `analysis_target`: what analyses work on: a denoiser, a prompt, seeds, a judge and an embedder
- `asked_for`: which class of the judge a prompt asks for
- `batches`: walk many pictures batch by batch
- `cache`: pictures and walks that several analyses share
- `class_prompts`: the same prompt for other classes
- `few_call`: few-call models as targets: which analyses can be made of them
- `from_model`: make an `AnalysisTarget` from a model and a prompt
- `nulls`: targets with one thing ablated, on which an analysis must not pass
- `planted`: an exact mixture with known answers that stands in for a trained model
- `readers`: types of the functions that judge and embed pictures and texts
- `recorder`: record x_t and x_0-hat at chosen steps of a walk without changing it
"""
