"""What counts as evidence: gates, claims, verdicts.

- `analysis`: an analysis as a generator over a target, and as a plain function of a model and a
  prompt
- `crossing`: where a falling curve is halfway, and how sure that is
- `odds`: is what was asked for in the pictures, and how surely: log-odds of the judge, and a first
  gate
- `prerequisite`: prompts for every class that the judge knows, and whether their pictures are what
  they ask for
- `reading`: what a judge reads in x_0-hat along walks, and from where on it stays with that
- `result`: what an analysis hands back: panels of data, numbers, and the verdict of a test that
  could fail
- `verdicts`: from claims with intervals to a verdict: one rule for all analyses
"""
