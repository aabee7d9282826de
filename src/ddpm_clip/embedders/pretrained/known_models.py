"""Pretrained CLIPs that are known to suit this package, with the revision that is downloaded.

A SHA-256 stands here only if a public page states it for that revision; nothing is guessed. None of
these weights were downloaded when this table was written, so no row claims that they were tried.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class KnownModel:
    """A pretrained CLIP or SigLIP of the hub.

    Attributes:
        role: What it is for, in a few words.
        revision: The commit that is downloaded, 40 hex digits.
        sha256: File of weights -> its SHA-256, where a public page states one.
        megabytes: Size of the weights.
        dim: Size of its embeddings.
        giga_macs: Multiplications to embed one picture, in 10^9.
        licence: Licence that its model card states.
        stated_by: Where revision and SHA-256 were read.
        unverified: What could not be checked when the row was written.
    """

    role: str
    revision: str
    sha256: dict[str, str]
    megabytes: int
    dim: int
    giga_macs: float
    licence: str
    stated_by: str
    unverified: str


WEIGHTS = "model.safetensors"
NOT_TRIED = "never downloaded by us"

KNOWN: Mapping[str, KnownModel] = {
    "openai/clip-vit-base-patch32": KnownModel(
        role="the default; most widely used",
        # The main branch holds no safetensors; this is the converter's commit on top of it.
        revision="eaee4c876b93e66f7fac584b529025a96d71ad66",
        sha256={WEIGHTS: "99d28a652e6ec46629ab7047a0ac82c69b1fe11e0ce672c43af65d3a9a3fc05d"},
        megabytes=605,
        dim=512,
        giga_macs=4.4,
        licence="none stated on the model card; the code is MIT",
        stated_by="several public projects that pin the weights, one with this revision",
        unverified=NOT_TRIED,
    ),
    "laion/CLIP-ViT-B-32-laion2B-s34B-b79K": KnownModel(
        role="as fast, under a permissive licence, safetensors on its main branch",
        revision="1a25a446712ba5ee05982a381eed697ef9b435cf",
        sha256={WEIGHTS: "74813fbcdc750f235c9784c367ca1394d2a5c25eb0aac92761752ac239db7cff"},
        megabytes=605,
        dim=512,
        giga_macs=4.4,
        licence="MIT",
        stated_by="one public project that pins revision and weights",
        unverified=f"{NOT_TRIED}; only one page states the SHA-256",
    ),
    "wkcn/TinyCLIP-ViT-8M-16-Text-3M-YFCC15M": KnownModel(
        role="small, for CPUs and many pictures",
        revision="a2a8c6eaa2549ad66eb7c31b85022bf58273a26c",
        sha256={WEIGHTS: "9339ee3d736344d0ddcaa6c03edc9f89688f08caaea5401220885233da726fcc"},
        megabytes=94,
        dim=512,
        giga_macs=2.0,
        licence="MIT",
        stated_by="several public projects that pin revision and weights",
        unverified=NOT_TRIED,
    ),
    "google/siglip-base-patch16-224": KnownModel(
        role="a SigLIP: sees finer detail, at four times the work",
        revision="7fd15f0689c79d79e38b1c2e2e2370a7bf2761ed",
        sha256={WEIGHTS: "2c63cb7d1f2e95ba501893cbb8faeb4ea9a3af295498d35097126228659c2af8"},
        megabytes=813,
        dim=768,
        giga_macs=17.6,
        licence="Apache-2.0",
        stated_by="several public projects that pin revision and weights",
        unverified=NOT_TRIED,
    ),
}
"""Hub id -> what is known of it. Models that are not here can be used as well: the SHA-256 of their
weights is recorded at the first download (`checksums`)."""


def revision_of(model: str) -> str | None:
    """Return the commit of a known model that is downloaded, None for any other."""
    return KNOWN[model].revision if model in KNOWN else None
