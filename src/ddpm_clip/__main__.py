"""`python -m ddpm_clip`: the command line, for when `ddpm-clip` is not on the path."""

import sys

from ddpm_clip.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
