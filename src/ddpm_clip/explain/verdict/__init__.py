"""What counts as evidence: prerequisites, claims and verdicts.

- `analysis`: turn the generator of an analysis into a plain function of a model and a prompt
- `crossing`: where a falling curve crosses one half, with an interval
- `odds`: log-odds of the judge, and whether the pictures show the requested class
- `prerequisite`: does the model follow its prompts and timesteps, so that anything can be tested?
- `reading`: what the judge reads in x_0-hat at each step of a walk
- `result`: what an analysis returns: panels, numbers, and the verdict of a test that can fail
- `verdicts`: one rule for all analyses that turns claims with intervals into a verdict
"""
