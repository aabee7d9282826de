"""The command `ddpm-clip`: all commands, error handling and exit codes.

Exit codes: 0 success, 1 the pixels differ (`reproduce`) or an answer does not pass (`course`),
2 usage, 65 bad data, 66 missing input, 69 weights unavailable, 70 internal, 73 cannot create
output, 74 I/O, 75 busy, 77 permission, 130 Ctrl-C, 143 SIGTERM. Nothing heavy is imported
before a command runs, so that `--help` is fast.
"""

import os
import re
import sys
import traceback
from collections.abc import Callable, Sequence
from inspect import getdoc
from typing import Annotated

import typer

import ddpm_clip
from ddpm_clip.cli import console
from ddpm_clip.cli.commands.ask import ask
from ddpm_clip.cli.commands.blend import blend
from ddpm_clip.cli.commands.compass import compass
from ddpm_clip.cli.commands.course import course
from ddpm_clip.cli.commands.distill import distill
from ddpm_clip.cli.commands.doctor import doctor
from ddpm_clip.cli.commands.embed import embed
from ddpm_clip.cli.commands.evaluate import evaluate
from ddpm_clip.cli.commands.explain import explain
from ddpm_clip.cli.commands.gap import gap
from ddpm_clip.cli.commands.generate import generate
from ddpm_clip.cli.commands.img2img import img2img
from ddpm_clip.cli.commands.import_legacy import import_legacy
from ddpm_clip.cli.commands.inpaint import inpaint
from ddpm_clip.cli.commands.interpolate import interpolate
from ddpm_clip.cli.commands.models import models
from ddpm_clip.cli.commands.pack import pack
from ddpm_clip.cli.commands.point import point
from ddpm_clip.cli.commands.reproduce import reproduce
from ddpm_clip.cli.commands.resume import resume
from ddpm_clip.cli.commands.sample import sample
from ddpm_clip.cli.commands.scan import scan
from ddpm_clip.cli.commands.serve import serve
from ddpm_clip.cli.commands.show import show
from ddpm_clip.cli.commands.similarity import similarity
from ddpm_clip.cli.commands.studio import studio
from ddpm_clip.cli.commands.train import train
from ddpm_clip.cli.commands.train_clip import train_clip
from ddpm_clip.cli.commands.vary import vary
from ddpm_clip.cli.interrupt import Interrupted, signals_unwind
from ddpm_clip.cli.threads_option import with_threads
from ddpm_clip.errors import DdpmClipError, PermissionRefused, StorageError, UsageError

COMMANDS = (
    train, resume, generate, sample, vary, interpolate, blend, img2img, inpaint, point, reproduce,
    models, show, ask, evaluate, explain, scan, gap, similarity, compass, embed, train_clip,
    distill, pack, import_legacy, course, serve, studio, doctor,
)  # fmt: skip

OWN_THREADS = (reproduce, models, show, scan, pack, import_legacy, course)
"""Commands without `--threads`: the first repeats the recorded number, others compute nothing but
small answers of students, each in a process of its own."""

EVERYWHERE = {"--debug": "debug", "-q": "quiet", "--quiet": "quiet"}
"""Options that may be given before or after the command."""

PARSER_MESSAGE = re.compile(r"(No such option: \S+|Invalid value for [^:]+):? \(?(.+?)\)?")
"""Splits a message of the parser into what happened and why."""

app = typer.Typer(
    name="ddpm-clip",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def _help(command: Callable[..., None]) -> str:
    """Return a docstring as help text; the lines of its examples are not rewrapped."""
    paragraphs = (getdoc(command) or "").split("\n\n")
    return "\n\n".join(f"\b\n{p}" if p.startswith("ddpm-clip ") else p for p in paragraphs)


def _print_version(wanted: bool) -> None:
    if wanted:
        console.result(f"ddpm-clip {ddpm_clip.__version__}")
        raise typer.Exit()


def every_command(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,
    quiet: Annotated[
        bool, typer.Option("-q", "--quiet", help="Print only results, warnings and errors.")
    ] = False,
) -> None:
    """Train a text-to-image diffusion model on a folder of pictures, without captions.

    ddpm-clip generate "a red rose" "a white daisy"
    ddpm-clip train photos/ --out runs/photos
    ddpm-clip generate "a cat in the snow" --model runs/photos
    """


app.callback(help=_help(every_command))(every_command)
for command in COMMANDS:
    run = command if command in OWN_THREADS else with_threads(command)
    app.command(command.__name__.replace("_", "-"), help=_help(command))(run)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit code; never raises.

    Args:
        arguments: the arguments without the program's name; by default those of this process.
    """
    arguments = _set_verbosity(sys.argv[1:] if arguments is None else arguments)
    if hasattr(sys.stdout, "reconfigure"):  # file names need not be valid UTF-8
        sys.stdout.reconfigure(errors="surrogateescape")
    try:
        with console.spoken_warnings(), signals_unwind():
            code = _run(arguments)
            sys.stdout.flush()
            return code
    except BrokenPipeError:
        # The reader has gone; the interpreter would flush again at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _run(arguments: list[str]) -> int:
    """Run one command; turn every failure into a message and an exit code."""
    try:
        return app(args=arguments or ["--help"], prog_name="ddpm-clip", standalone_mode=False) or 0
    except typer.TyperException as error:
        return _usage(error)
    except DdpmClipError as error:
        return _refused(error)
    except (Interrupted, KeyboardInterrupt) as error:
        console.say(getattr(error, "message", "Interrupted."), always=True)
        return getattr(error, "exit_code", 130)
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else 1
    except BrokenPipeError:
        raise
    except OSError as error:
        kind = PermissionRefused if isinstance(error, PermissionError) else StorageError
        file = str(error.filename or "unknown file")
        file = file if len(file) <= 200 else f"{file[:200]}…"
        return _refused(kind(f"{error.strerror or error}: {file}"))
    except Exception as error:
        console.print_unexpected(error)
        return 70


def _refused(error: DdpmClipError) -> int:
    if console.verbosity.debug:
        traceback.print_exc()
    console.print_error(error)
    return error.exit_code


def _usage(error: typer.TyperException) -> int:
    """Print an error in the command line in the same form as every other error."""
    context = getattr(error, "ctx", None)
    fix = f"{context.command_path if context else 'ddpm-clip'} --help"
    message = error.format_message().rstrip(".").replace("\n", " ")
    found = PARSER_MESSAGE.fullmatch(message)
    what, why = found.groups() if found else (message, "")
    why = why or "the command line is not valid"
    console.print_error(UsageError(what[:1].lower() + what[1:], why, fix))
    return UsageError.exit_code


def _set_verbosity(arguments: Sequence[str]) -> list[str]:
    """Apply the options that every command has; return the other arguments."""
    end = list(arguments).index("--") if "--" in arguments else len(arguments)
    found = {EVERYWHERE[word] for word in arguments[:end] if word in EVERYWHERE}
    console.verbosity.debug, console.verbosity.quiet = "debug" in found, "quiet" in found
    console.verbosity.silent = False
    return [word for word in arguments[:end] if word not in EVERYWHERE] + list(arguments[end:])


if __name__ == "__main__":
    sys.exit(main())
