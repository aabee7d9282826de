"""Loads a pretrained CLIP or SigLIP with the transformers package.

Transformers is imported here, and only when a model is opened. Weights are read from safetensors;
code in a model's folder is never run.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ddpm_clip.errors import DataError


@dataclass(frozen=True, slots=True)
class Parts:
    """A frozen network in float32 on the CPU, with its image processor and tokenizer."""

    model: Any
    processor: Any
    tokenizer: Any


def open_parts(folder: Path, family: str) -> Parts:
    """Load network, processor and tokenizer from the folder of a `clip` or `siglip`.

    Raises:
        DataError: A file is missing, damaged or does not match the others.
    """
    with _plain_sentences(folder):
        return Parts(_model(folder), _processor(folder, family), _tokenizer(folder, family))


def _model(folder: Path) -> Any:
    """Load the network; a missing tensor is an error, not a random initialisation."""
    from transformers import AutoModel

    model, report = AutoModel.from_pretrained(
        folder,
        local_files_only=True,
        use_safetensors=True,
        trust_remote_code=False,
        dtype=torch.float32,
        output_loading_info=True,
    )
    absent = sorted(report["missing_keys"])
    if absent:
        raise ValueError(f"{len(absent)} tensors are missing, among them {absent[0]}")
    return model.eval().requires_grad_(False)


def _processor(folder: Path, family: str) -> Any:
    """Load the PIL processor by its class; the automatic one would want torchvision and warn."""
    _require(folder, "preprocessor_config.json", "processor_config.json")
    if family == "clip":
        from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil as Clip

        return Clip.from_pretrained(folder, local_files_only=True)
    from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil

    return SiglipImageProcessorPil.from_pretrained(folder, local_files_only=True)


def _tokenizer(folder: Path, family: str) -> Any:
    """Load the tokenizer; SigLIP's from tokenizer.json, as its own class needs sentencepiece.

    The files are checked, because without them transformers silently builds an empty tokenizer.
    """
    from transformers import CLIPTokenizer, PreTrainedTokenizerFast

    _require(folder, "tokenizer.json", *(["vocab.json"] if family == "clip" else []))
    kind = CLIPTokenizer if family == "clip" else PreTrainedTokenizerFast
    return kind.from_pretrained(folder, local_files_only=True)


def _require(folder: Path, *names: str) -> None:
    if not any((folder / name).is_file() for name in names):
        raise ValueError(f"it has no {' or '.join(names)}")


@contextmanager
def _plain_sentences(folder: Path) -> Iterator[None]:
    """Hide the progress bar of transformers, and turn its many exceptions into one error."""
    from safetensors import SafetensorError
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0][:200]
        raise DataError(
            f"cannot load the pretrained model in {folder}", reason, "copy the whole model again"
        ) from error
    finally:
        if shown:
            logging.enable_progress_bar()  # type: ignore[no-untyped-call]
