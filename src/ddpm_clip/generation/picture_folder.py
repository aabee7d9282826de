"""The files of one call: pictures are written as they are finished, and found again.

While pictures are missing, a small file in the folder marks the call as unfinished. The same call
then paints only the batches that are missing; a call with other settings has other file names and
another mark. At the end, the grid and the animation are written and the mark is removed.
"""

import hashlib
import io
import json
import os
import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from ddpm_clip.data.pictures.images import open_image
from ddpm_clip.errors import CannotCreate, DataError, DdpmClipWarning
from ddpm_clip.generation.call_folder import MARK, CallFolder
from ddpm_clip.generation.parameters import file_name, parameters, texts_of
from ddpm_clip.generation.request import GenerationRequest, Painted, placed
from ddpm_clip.generation.settings import Settings
from ddpm_clip.runs.pretrained import LoadedModel
from ddpm_clip.utils.visualization import encoded_gif, encoded_png

SHEET_PIXELS = 2**26
"""Most pixels of all pictures that stay in memory for the grid: about 65,000 of 32 x 32."""

FRAME_BYTES = 2**28
"""Most bytes of all frames that stay in memory for the animation."""


@dataclass(frozen=True, slots=True)
class PaintedFile:
    """A picture on disk."""

    file: Path
    prompt: str
    seed: int
    index: int
    guidance: float

    def as_dict(self) -> dict[str, Any]:
        """Return the entry of this picture in `--json`."""
        return asdict(self) | {"file": str(self.file.resolve())}


class PictureFolder:
    """A `Destination` that writes each batch as PNGs.

    Args:
        out: A folder for the PNGs, grid.png and generation.gif; or a .png. If there is only one
            picture, it is written to the .png, otherwise the grid is, with the pictures in a
            folder of the same name beside it; or a `CallFolder`, which chooses a folder.
        model: The model that paints.
        settings: The settings it paints with.
        metadata: Whether to store the parameters in the PNGs.

    Attributes:
        files: What is on disk so far.
        already: How many of them an earlier call has painted.
        total: How many there will be.
    """

    def __init__(
        self,
        out: Path | CallFolder,
        model: LoadedModel,
        settings: Settings,
        *,
        metadata: bool = True,
    ):
        self.out, self._model, self._settings, self._metadata = out, model, settings, metadata
        self.files: list[PaintedFile] = []
        self.already = self.total = 0
        self._pixels = self._frames = 0
        self._left_out = False
        self._mark, self._resumed = "", False
        self._folder: Path | None = None

    @property
    def folder(self) -> Path | None:
        """The folder of the pictures; None as long as a `CallFolder` has made none."""
        return self._folder

    def begin(self, requests: Sequence[GenerationRequest]) -> None:
        """Look for what an interrupted call with the same requests and settings has left."""
        self.files, self.already, self.total = [], 0, len(requests)
        self._pixels, self._frames, self._left_out = 0, 0, False
        self._mark = MARK.format(self._digest(requests))
        if isinstance(self.out, CallFolder):
            self._folder = self.out.unfinished(self._mark)
        else:
            self._folder = self.out.with_suffix("") if self._single else self.out
        self._resumed = self._folder is not None and (self._folder / self._mark).is_file()

    def found(self, batch: Sequence[GenerationRequest], number: int) -> list[Painted] | None:
        """Return a batch that an interrupted call has written, if every picture of it is intact."""
        if not self._resumed:
            return None
        there = []
        for at in range(len(batch)):
            painted = placed(Image.new("L", (1, 1)), batch, number, at)
            path = self._path(painted)
            try:
                image = open_image(path)
            except DataError:
                return None
            painted = replace(painted, image=image)
            if path.read_bytes() != encoded(image, self._texts(painted)):
                return None
            there.append((path, painted))
        self.files += [_entry(path, painted) for path, painted in there]
        self.already += len(there)
        return self._needed([painted for _, painted in there])

    def keep(self, batch: list[Painted]) -> list[Painted]:
        """Write a finished batch.

        Returns:
            The pictures and frames that the grid and the animation need, within limits on memory.

        Raises:
            CannotCreate: Nothing can be written there.
        """
        self._make_folder()
        for painted in batch:
            written = write(self._path(painted), encoded(painted.image, self._texts(painted)))
            self.files.append(_entry(written, painted))
        return self._needed(batch)

    def finish(self, sheet: Image.Image, animation: Sequence[Image.Image] = ()) -> None:
        """Write the grid and, if there is one, the animation; the call is no longer unfinished.

        Raises:
            CannotCreate: Nothing can be written there.
        """
        folder = self._made
        if not self._alone:
            write(self._named(".png", "grid.png"), encoded_png(sheet))
        if animation:
            write(self._named(".gif", "generation.gif"), encoded_gif(animation))
        (folder / self._mark).unlink(missing_ok=True)
        if self._left_out:
            warnings.warn(
                f"{self.total:,} pictures are too many for one grid or animation: only the first "
                "ones are in it",
                DdpmClipWarning,
                stacklevel=2,
            )

    @property
    def _single(self) -> bool:
        """Whether a .png was given."""
        return isinstance(self.out, Path) and self.out.suffix.lower() == ".png"

    @property
    def _alone(self) -> bool:
        """Whether the only picture is the .png that was given."""
        return self._single and self.total == 1

    @property
    def _made(self) -> Path:
        assert self._folder is not None, "no picture was kept"
        return self._folder

    def _named(self, suffix: str, name: str) -> Path:
        return (
            self.out.with_suffix(suffix)
            if isinstance(self.out, Path) and self._single
            else (self._made / name)
        )

    def _path(self, painted: Painted) -> Path:
        if isinstance(self.out, Path) and self._alone:
            return self.out
        return self._made / file_name(parameters(painted, self._model, self._settings), painted)

    def _texts(self, painted: Painted) -> PngInfo | None:
        if not self._metadata:
            return None
        return texts_of(parameters(painted, self._model, self._settings))

    def _make_folder(self) -> None:
        """Make the folder, and mark the call as unfinished, with the first picture."""
        if self.files:
            return
        try:
            if isinstance(self.out, CallFolder) and self._folder is None:
                self._folder = self.out.fresh()
            elif isinstance(self.out, Path):
                (self.out.parent if self._alone else self._made).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CannotCreate(
                f"cannot create {self.out}", str(error), "choose another --out", param="out"
            ) from error
        if not self._alone:
            write(self._made / self._mark, json.dumps({"pictures": self.total}).encode(), over=True)

    def _needed(self, batch: Sequence[Painted]) -> list[Painted]:
        """Return the pictures, with or without their frames, as long as there is room for them."""
        kept = []
        for painted in batch:
            self._pixels += painted.image.width * painted.image.height
            self._frames += 0 if painted.frames is None else painted.frames.nbytes
            if self._pixels > SHEET_PIXELS:
                self._left_out = True
                break
            too_many = self._frames > FRAME_BYTES
            self._left_out |= too_many
            kept.append(replace(painted, frames=None) if too_many else painted)
        return kept

    def _digest(self, requests: Sequence[GenerationRequest]) -> str:
        """Return a hash of everything that the pictures of a call depend on."""
        first = placed(Image.new("L", (1, 1)), requests, 0, 0)
        facts = parameters(first, self._model, self._settings)
        rows = [(one.prompt, one.seed, one.guidance, one.facts) for one in requests]
        whole = json.dumps([facts, rows, self._metadata], sort_keys=True)
        return hashlib.sha256(whole.encode()).hexdigest()[:8]


def encoded(image: Image.Image, info: PngInfo | None = None) -> bytes:
    """Return a picture as a PNG."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG", pnginfo=info)
    return buffer.getvalue()


def write(path: Path, data: bytes, *, over: bool = False) -> Path:
    """Write a file in one step, and return its path.

    Args:
        path: If it exists with other content, the next free name is taken, with a warning.
        data: The content.
        over: Replace whatever is there.

    Raises:
        CannotCreate: It cannot be written.
    """
    free, number = path, 2
    while not over and free.exists() and free.read_bytes() != data:
        free, number = path.with_stem(f"{path.stem}-{number}"), number + 1
    if free != path:
        warnings.warn(
            f"{path} holds another picture; the new one is {free}", DdpmClipWarning, stacklevel=3
        )
    part = free.with_name(f".{free.name}.part")
    try:
        part.write_bytes(data)
        os.replace(part, free)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise CannotCreate(
            f"cannot write {free}", str(error), "choose another --out", param="out"
        ) from error
    return free


def _entry(path: Path, painted: Painted) -> PaintedFile:
    request = painted.request
    return PaintedFile(path, request.prompt, request.seed, request.index, request.guidance)
