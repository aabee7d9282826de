"""Shared by the commands that paint: open the model, show progress, write, print the paths."""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ddpm_clip.cli import console
from ddpm_clip.cli.painting_command import PaintingArguments
from ddpm_clip.cli.painting_options import default_model, used_prompts
from ddpm_clip.cli.progress import NOTHING_WRITTEN, watched
from ddpm_clip.errors import UsageError

if TYPE_CHECKING:
    from PIL.Image import Image

    from ddpm_clip.generation.picture_folder import PictureFolder
    from ddpm_clip.generation.request import Painted
    from ddpm_clip.generation.settings import Settings
    from ddpm_clip.generation.text_to_image import TextToImage
    from ddpm_clip.types import Progress

PictureFile = Annotated[
    Path, typer.Argument(metavar="PICTURE", help="A picture.", show_default=False)
]
MaybePrompt = Annotated[
    str | None, typer.Argument(metavar="PROMPT", help="What it should become.", show_default=False)
]


@dataclass(frozen=True, slots=True)
class EditSession:
    """An open model, with the settings and arguments of a command."""

    tti: "TextToImage"
    settings: "Settings"
    args: PaintingArguments
    folder: "PictureFolder"

    def finish(
        self,
        work: "Generator[Progress, None, list[Painted]]",
        sheet: "Callable[[list[Painted]], Image]",
        animation: "Callable[[list[Painted]], Sequence[Image]] | None" = None,
    ) -> None:
        """Run an edit with a progress bar, write its pictures and print their paths."""
        painted = watched(work, told=self.told)
        self.folder.finish(sheet(painted), animation(painted) if animation else ())
        self.show()

    def show(self) -> None:
        """Print the paths of the pictures, or JSON; and where a folder without a name is."""
        files, folder = self.folder.files, self.folder.folder
        if self.folder.already:
            console.say(f"{self.folder.already:,} of {len(files):,} pictures were there already")
        if self.args.as_json:
            console.result_json([one.as_dict() for one in files])
        else:
            for one in files:
                console.result(str(one.file))
        if self.args.out is None and folder is not None:
            from ddpm_clip.generation.call_folder import LATEST

            console.say(f"in {folder}, which is {folder.parent / LATEST} now")

    def told(self) -> str:
        """Return the last line of an interrupted command."""
        kept, total = len(self.folder.files), self.folder.total
        if not kept or self.folder.folder is None:
            return NOTHING_WRITTEN
        seed = f" with --seed {self.settings.seed}" if self.args.seed == -1 else ""
        return (
            f"Interrupted. {kept:,} of {total:,} pictures are in {self.folder.folder}. "
            f"Run the command again{seed} to paint the others."
        )


def open_session(args: PaintingArguments, **more: Any) -> EditSession:
    """Validate the options of a command, then open its model.

    Args:
        args: The options that all commands that paint have.
        more: The options that this command has besides.

    Raises:
        UsageError: A value is out of range, or the model cannot fulfil it.
        MissingInput: There is no model of this name.
    """
    from ddpm_clip.generation.picture_folder import PictureFolder
    from ddpm_clip.generation.text_to_image import TextToImage

    overrides = args.overrides(**more)
    tti = TextToImage.from_pretrained(args.model or default_model(), args.device)
    settings = tti.settings(**overrides)
    folder = PictureFolder(args.place(), tti.model, settings, metadata=not args.no_metadata)
    return EditSession(tti.writing_to(folder), settings, args, folder)


def asked_prompt(prompt: str | None, unconditional: bool) -> str | None:
    """Return the prompt of an edit that can also be unconditional.

    Raises:
        UsageError: Both or neither of the prompt and --unconditional are given.
    """
    if prompt is not None and unconditional:
        raise UsageError("a prompt and --unconditional are both given", fix="give only one of them")
    if prompt is None and not unconditional:
        raise UsageError(
            "there is no prompt", fix="say what to paint, or use --unconditional", param="prompt"
        )
    return None if prompt is None else used_prompts([prompt])[0]
