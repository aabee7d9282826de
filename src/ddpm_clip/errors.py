"""Errors a user can act on: what happened, why, how to fix it, and a stable code. And warnings.

Every error that the library raises on purpose is one of these classes. The command line prints
them in four lines and exits with `exit_code`; Python callers catch `DdpmClipError`. Every warning
of the library is a `DdpmClipWarning`; the command line prints each of them once.
"""


class DdpmClipWarning(UserWarning):
    """Something a user should know, but that stops nothing.

    The command line recognises its warnings by this class and not by the file they are attributed
    to, which may be one of another package: `stacklevel` counts frames, and whose they are depends
    on the caller.
    """


class TruncatedText(DdpmClipWarning):
    """A text is longer than an embedder reads, and its end is ignored."""


class DdpmClipError(Exception):
    """An error that says why it happened and how to fix it.

    Args:
        what: One sentence that names the file or value at fault.
        why: The reason.
        fix: What to type or change instead.
        param: The option or config key at fault, where there is one.
    """

    code = "E-INTERNAL"
    exit_code = 70

    def __init__(self, what: str, why: str = "", fix: str = "", *, param: str | None = None):
        super().__init__(what)
        self.what, self.why, self.fix, self.param = what, why, fix, param

    def __str__(self) -> str:
        """Return what happened, why, and the fix, one per line."""
        lines = [self.what]
        lines += [f"  why:  {self.why}"] if self.why else []
        lines += [f"  fix:  {self.fix}"] if self.fix else []
        return "\n".join(lines)

    def as_dict(self) -> dict[str, dict[str, str | None]]:
        """Return the JSON form, shaped like an OpenAI error."""
        return {
            "error": {
                "code": self.code,
                "message": f"{self.what}: {self.why}" if self.why else self.what,
                "param": self.param,
                "type": type(self).__name__,
                "hint": self.fix or None,
            }
        }


class UsageError(DdpmClipError, ValueError):
    """An invalid value or name: out of range, unknown, or contradicting another (exit 2)."""

    code = "E-USAGE"
    exit_code = 2


class ConfigError(UsageError):
    """An unknown or malformed config key, preset or file (exit 2)."""

    code = "E-CONFIG"


class DataError(DdpmClipError):
    """The data exist but cannot be used: empty, corrupt, contradictory (exit 65)."""

    code = "E-DATA"
    exit_code = 65


class MissingInput(DdpmClipError, FileNotFoundError):
    """A file, folder, run or model that does not exist (exit 66)."""

    code = "E-MISSING"
    exit_code = 66

    def __str__(self) -> str:
        """Return the same form as every error here; `FileNotFoundError` prints an errno."""
        return DdpmClipError.__str__(self)


class WeightsUnavailable(DdpmClipError):
    """Pretrained weights that are neither on this disk nor downloadable now (exit 69)."""

    code = "E-WEIGHTS"
    exit_code = 69


class NonFiniteError(DdpmClipError):
    """The loss or a prediction is NaN or infinite (exit 70)."""

    code = "E-NONFINITE"


class OutOfMemory(DdpmClipError):
    """Even the smallest micro-batch of a step does not fit into memory (exit 70)."""

    code = "E-MEMORY"


class CannotCreate(DdpmClipError):
    """An output that must not be written, because something else is there (exit 73)."""

    code = "E-EXISTS"
    exit_code = 73


class StorageError(DdpmClipError, OSError):
    """Reading or writing failed: disk full, hash mismatch, damaged file (exit 74)."""

    code = "E-IO"
    exit_code = 74

    def __str__(self) -> str:
        """Return the same form as every error here; `OSError` prints an errno."""
        return DdpmClipError.__str__(self)


class Busy(DdpmClipError):
    """Another process holds the run folder (exit 75)."""

    code = "E-BUSY"
    exit_code = 75

    @classmethod
    def held(cls, folder: object, holder: str) -> "Busy":
        """Return the error for a folder that another process is writing to."""
        return cls(
            f"{folder} is being written to", f"by {holder}", "wait for it, or choose another --out"
        )


class PermissionRefused(DdpmClipError):
    """The operating system denies reading or writing there (exit 77)."""

    code = "E-PERMISSION"
    exit_code = 77
