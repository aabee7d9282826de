"""What all sections of an evaluation look at: prompts, painted and real pictures, evaluators.

Whatever two sections need is computed once, when the first asks.
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
    """Everything that was painted and found.

    Attributes:
        cases: that were asked.
        n: pictures a case.
        x: (len(cases) * n, c, h, w) in [-1, 1], case by case, rounded to 8 bits.
        judge: a `JudgeNet`, or why there is none.
        scorer: a CLIP that did not condition, or why there is none.
        real: pictures to compare with.
        seed: of every choice by lot.
        full: nothing is cut to save time.
    """

    cases: Sequence[PromptCase]
    n: int
    x: Tensor
    judge: Evaluator
    scorer: Evaluator
    real: Real
    seed: int = 0
    full: bool = True

    @property
    def net(self) -> JudgeNet | None:
        """The judge itself."""
        return cast(JudgeNet | None, self.judge.net)

    def case_of(self, row: int) -> int:
        """The case that a picture was painted for, by its number."""
        return row // self.n

    @cached_property
    def verdicts(self) -> list[JudgedPicture | None]:
        """What the judge says of each picture; None where it cannot be asked."""
        found: list[JudgedPicture | None] = [None] * len(self.x)
        told = [i for i in range(len(self.x)) if self.cases[self.case_of(i)].facts]
        if self.net is None:
            return found
        for start in range(0, len(told), CHUNK):
            rows = told[start : start + CHUNK]
            asked = [self.cases[self.case_of(i)] for i in rows]
            for i, verdict in zip(rows, judged(self.net, self.x[rows], asked), strict=True):
                found[i] = verdict
        return found

    @cached_property
    def pool(self) -> tuple[Pictures, str]:
        """The real pictures that are compared with, and what they are.

        Raises:
            DataError: there are none.
        """
        pictures, what = self.real.for_comparison(2 * len(self.x))
        if pictures is None:
            raise DataError(
                "there are no real pictures to compare with",
                self.real.why_not,
                "--against FOLDER, or put the data where the run had them",
            )
        return pictures, what

    @cached_property
    def match(self) -> Matched:
        """Which painted and real pictures are compared."""
        return matched(self.cases, self.n, self.pool[0].facts, self.seed)

    @cached_property
    def matched_real(self) -> Pictures:
        """The real ones among them, twice as many as painted ones."""
        return self.pool[0].rows(self.match.real)

    @cached_property
    def features(self) -> tuple[Tensor, Tensor]:
        """Rows (k, d) of the compared painted and (2k, d) of the compared real pictures."""
        rows = list(self.match.painted)
        return self.look(self.x[rows]), self.look(self.matched_real.pixels)

    @property
    def space(self) -> str:
        """In which features sets are compared.

        Raises:
            DataError: there are none of a network that the model was not conditioned by.
        """
        if self.net is not None:
            return "the judge's last layer before its heads"
        if self.scorer.net is not None:
            return "embeddings of a CLIP that did not condition the model"
        raise DataError(
            "there are no features of a network apart from the model",
            self.judge.why,
            f"{self.judge.fix}; or --clip FOLDER",
        )

    def look(self, pixels: Tensor) -> Tensor:
        """(n, d) features of pixels (n, c, h, w), uint8 or in [-1, 1], in `space`."""
        _ = self.space
        if self.net is not None:
            return judge_features(self.net, pixels)
        return embed_pictures(cast(Embedder, self.scorer.net), pixels)

    def kinds(self, rows: Sequence[int]) -> list[str]:
        """What each of some painted pictures was asked for; "all" where nobody can say."""
        if not self.match.cases:
            return ["all"] * len(rows)
        return [meaning(self.cases[self.case_of(i)]) for i in rows]

    def real_kinds(self) -> list[str]:
        """Likewise of the compared real pictures."""
        if not self.match.cases:
            return ["all"] * len(self.match.real)
        return [meaning(self.cases[number]) for number in self.match.cases]

    def real_verdicts(self) -> list[JudgedPicture]:
        """What the judge says of real pictures that show what was asked; [] where none can be."""
        if self.net is None or not self.match.cases:
            return []
        found: list[JudgedPicture] = []
        x, asked = self.matched_real.pixels, [self.cases[i] for i in self.match.cases]
        for start in range(0, len(x), CHUNK):
            chunk = slice(start, start + CHUNK)
            found += judged(self.net, to_float(x[chunk]), asked[chunk])
        return found

    def half_of_real(self) -> tuple[Tensor, Tensor]:
        """The features of the compared real pictures in two halves by lot."""
        rows = torch.randperm(
            len(self.features[1]), generator=torch.Generator().manual_seed(self.seed)
        )
        first, second = rows.chunk(2)
        return self.features[1][first], self.features[1][second]
