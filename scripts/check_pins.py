"""List installed packages that are not pinned: `python scripts/check_pins.py`.

The exit code is 1 if a direct or indirect dependency of ddpm_clip has no pin in constraints.txt, or
is installed at a different version. Unrelated packages are only listed.
"""

import sys

from installed import needs, not_pinned, strays


def main() -> int:
    """Print the findings; the exit code is 1 if a pin is missing."""
    wrong = not_pinned()
    for sentence in wrong:
        print(f"not pinned: {sentence}", file=sys.stderr)
    for name in strays():
        print(f"neither needed nor pinned: {name}")
    if not wrong:
        print(f"{len(needs())} packages, each at its pinned version")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
