"""Say what is installed and not pinned: `python scripts/check_pins.py`.

Exit code 1 where something that ddpm_clip needs, or that such a thing needs, has no pin in
constraints.txt or another version than there. What is installed beside that is only named.
"""

import sys

from installed import needs, not_pinned, strays


def main() -> int:
    """Print, and 1 where a pin is missing."""
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
