"""Train from a config file; also takes every option of `ddpm-clip train`.

python scripts/train.py --config config/default.yaml
"""

import sys

from ddpm_clip.cli.main import main

if __name__ == "__main__":
    sys.exit(main(["train", *sys.argv[1:]]))
