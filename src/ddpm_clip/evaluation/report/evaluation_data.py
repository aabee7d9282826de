"""The data that all sections of an evaluation share: prompts, pictures and evaluators.

What several sections need is computed once, on first use.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import cast

import torch
from torch import Tensor

from ddpm_clip.errors import DataError
from ddpm_clip.evaluation.judge.network import JudgeNet
from ddpm_clip.evaluation.metrics.features import judge_features
from ddpm_clip.evaluation.metrics.matching import Matched, matched
from ddpm_clip.evaluation.metrics.retrieval import embed_pictures
from ddpm_clip.evaluation.prompts.cases import meaning
from ddpm_clip.evaluation.prompts.success import JudgedPicture, PromptCase, judged
from ddpm_clip.evaluation.report.evaluators import Evaluator
from ddpm_clip.evaluation.report.real_pictures import Pictures, Real
from ddpm_clip.types import Embedder
from ddpm_clip.utils.tensors import to_float

CHUNK = 256


@dataclass(eq=False)
class EvaluationData:
    """The painted pictures and all that they are compared with.

    Attributes:
        cases: the prompts that were painted.
        n: pictures per case.
        x: painted pictures (len(cases) * n, c, h, w) in [-1, 1], case by case, rounded to 8 bits.
        judge: a `JudgeNet`, or why there is none.
        scorer: a CLIP that did not condition the model, or why there is none.
        real: pictures to compare with.
        seed: random seed of every random choice.
        full: no measurement is shortened to save time.
        brought_back: number of cases whose condition lay outside the pictures' cloud and was
            brought back; None if the model has no cloud or was not bounded.
    """

    cases: Sequence[PromptCase]
    n: int
    x: Tensor
    judge: Evaluator
    scorer: Evaluator
    real: Real
    seed: int = 0
    full: bool = True
    brought_back: int | None = None

    @property
    def net(self) -> JudgeNet | None:
        """The judge's network, or None."""
        return cast(JudgeNet | None, self.judge.net)

    def case_of(self, row: int) -> int:
        """Return the number of the case that a picture was painted for."""
        return row // self.n

    @cached_property
    def verdicts(self) -> list[JudgedPicture | None]:
        """The judge's verdict on each picture; None where there is no judge or no fact to check."""
        found: list[JudgedPicture | None] = [None] * len(self.x)
        checked = [i for i in range(len(self.x)) if self.cases[self.case_of(i)].facts]
        if self.net is None:
            return found
        for start in range(0, len(checked), CHUNK):
            rows = checked[start : start + CHUNK]
            asked = [self.cases[self.case_of(i)] for i in rows]
            for i, verdict in zip(rows, judged(self.net, self.x[rows], asked), strict=True):
                found[i] = verdict
        return found

    @cached_property
    def pool(self) -> tuple[Pictures, str]:
        """The real pictures to compare with, and a description of them.

        Raises:
            DataError: there are none.
        """
        pictures, what = self.real.for_comparison(2 * len(self.x))
        if pictures is None:
            raise DataError(
                "there are no real pictures to compare with",
                self.real.why_not,
                "use --against FOLDER, or put the data back where the run had them",
            )
        return pictures, what

    @cached_property
    def match(self) -> Matched:
        """The painted and real pictures that are compared."""
        return matched(self.cases, self.n, self.pool[0].facts, self.seed)

    @cached_property
    def matched_real(self) -> Pictures:
        """The real pictures that are compared, twice as many as painted ones."""
        return self.pool[0].rows(self.match.real)

    @cached_property
    def features(self) -> tuple[Tensor, Tensor]:
        """Features of the compared pictures: (k, d) painted and (2k, d) real."""
        rows = list(self.match.painted)
        return self.look(self.x[rows]), self.look(self.matched_real.pixels)

    @property
    def space(self) -> str:
        """The feature space in which sets are compared, in words.

        Raises:
            DataError: there is no network independent of the model.
        """
        if self.net is not None:
            return "the judge's last layer before its heads"
        if self.scorer.net is not None:
            return "embeddings of a CLIP that did not condition the model"
        raise DataError(
            "there is no independent network to compute features with",
            self.judge.why,
            f"{self.judge.fix}; or --clip FOLDER",
        )

    def look(self, pixels: Tensor) -> Tensor:
        """Return features (n, d) of pixels (n, c, h, w), uint8 or in [-1, 1], in `space`."""
        _ = self.space
        if self.net is not None:
            return judge_features(self.net, pixels)
        return embed_pictures(cast(Embedder, self.scorer.net), pixels)

    def kinds(self, rows: Sequence[int]) -> list[str]:
        """Return what each of some painted pictures was to show; "all" where that is unknown."""
        if not self.match.cases:
            return ["all"] * len(rows)
        return [meaning(self.cases[self.case_of(i)]) for i in rows]

    def real_kinds(self) -> list[str]:
        """Return the same for the compared real pictures."""
        if not self.match.cases:
            return ["all"] * len(self.match.real)
        return [meaning(self.cases[number]) for number in self.match.cases]

    def real_verdicts(self) -> list[JudgedPicture]:
        """Return the judge's verdicts on real pictures of the requested kinds; may be []."""
        if self.net is None or not self.match.cases:
            return []
        found: list[JudgedPicture] = []
        x, asked = self.matched_real.pixels, [self.cases[i] for i in self.match.cases]
        for start in range(0, len(x), CHUNK):
            chunk = slice(start, start + CHUNK)
            found += judged(self.net, to_float(x[chunk]), asked[chunk])
        return found

    def half_of_real(self) -> tuple[Tensor, Tensor]:
        """Return the features of the compared real pictures, split into two random halves."""
        rows = torch.randperm(
            len(self.features[1]), generator=torch.Generator().manual_seed(self.seed)
        )
        first, second = rows.chunk(2)
        return self.features[1][first], self.features[1][second]
