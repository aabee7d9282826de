"""Training throughput: our complete training step against those of other libraries, in one run.

`python benchmarks/train_step.py` (about eight minutes; `--smoke` for one). Ours is measured through
`ddpm_clip.training.loop.train`, with data, conditions and the EMA; the peers without any of these.
Their settings are tried first, each with batch sizes of 64 and 128; then the default and the
fastest setting of each peer alternate with ours at equal parameters.
"""

import argparse
import statistics
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from ours import changed, network_of, parameters_of, recipe, scaled_to, training
from peers import DEFAULT, PEERS, SETTINGS, NotInstalled, PeerStep, versions
from reporting import RESULTS, claim, parsed, print_claims, write_results
from timing import Timing, rates, ratio, side_by_side, timed

from ddpm_clip.config.schema import Config
from ddpm_clip.utils.device import has_fast_bfloat16, pick_device

OURS, COURSE = "ours", "ours, the course network"
NO_BF16 = "not measured: this machine does not compute bfloat16 in hardware"
MORE_THAN_DEFAULT, MORE_THAN_BEST = 5.0, 3.0


class Arms:
    """The arms that alternate: name -> work, with the pictures per call and facts to record."""

    def __init__(self) -> None:
        self.work: dict[str, Callable[[], object]] = {}
        self.pictures: dict[str, int] = {}
        self.facts: dict[str, dict[str, Any]] = {}

    def add(
        self, name: str, step: Callable[[], object], batch: int, steps: int, **facts: Any
    ) -> None:
        """Add an arm; one call of it is `steps` calls of `step`, each with `batch` pictures."""
        self.work[name] = lambda: [step() for _ in range(steps)]
        self.pictures[name], self.facts[name] = batch * steps, {"batch": batch} | facts

    def as_dict(self, timings: dict[str, Timing]) -> dict[str, Any]:
        """The JSON form: pictures per second, range and facts."""
        return {
            name: timings[name].as_dict(self.pictures[name]) | self.facts[name]
            for name in self.work
        }


def main() -> None:
    options = _options()
    config = recipe(
        options.config,
        {"data.image_size": options.size, "data.channels": 1, "training.device": options.device},
    )
    if options.batch:
        config = changed(config, {"training.batch_size": options.batch})
    arms = Arms()
    with ExitStack() as opened:
        tried = {name: tried_settings(name, options) for name in PEERS}
        add_ours(arms, OURS, config, options.steps, opened)
        add_ours(arms, COURSE, course(config), options.steps, opened)
        for name, settings in tried.items():
            add_peer(arms, name, settings, config, options, opened)
        timings = side_by_side(arms.work, options.rounds, told=print)
    compared = ratios(arms, timings)
    kept = claims(compared)
    show(arms.as_dict(timings), tried)
    print_claims(kept)
    write_results(
        options.out,
        {
            "claims": kept,
            "size": options.size,
            "channels": 1,
            "config": options.config,
            "down_chs": config.model.down_chs,
            "device": options.device,
            "versions": versions([package for package, _ in PEERS.values()]),
            "arms": arms.as_dict(timings),
            "ratios": compared,
            "settings_of_the_peers": tried,
        },
    )


def course(config: Config) -> Config:
    """The course network at the same size, batch and device."""
    return recipe(
        "dli",
        {
            "data.image_size": config.data.image_size.plain,
            "data.channels": config.data.channels,
            "training.batch_size": config.training.batch_size,
            "training.device": config.training.device,
            "embedder.dim": config.embedder.dim,
        },
    )


def add_ours(arms: Arms, name: str, config: Config, steps: int, opened: ExitStack) -> None:
    """Add our own training as an arm."""
    source = opened.enter_context(training(config))
    arms.add(
        name,
        lambda: next(source),
        config.training.batch_size,
        steps,
        parameters=parameters_of(network_of(config)),
        down_chs=config.model.down_chs,
    )


def add_peer(
    arms: Arms,
    name: str,
    tried: dict[str, Any],
    config: Config,
    options: argparse.Namespace,
    opened: ExitStack,
) -> None:
    """Add a peer with its default and best setting, and our network with equal parameters."""
    if DEFAULT not in tried:
        return print(f"{name}: {tried.get('absent')}")
    parameters = tried["parameters"]
    best = max(
        (s for s in SETTINGS if "per_second" in tried.get(s, {})),
        key=lambda setting: tried[setting]["per_second"],
    )
    for label, setting in (("default", DEFAULT), ("best", best)):
        batch = tried[setting]["batch"]
        step = PeerStep(PEERS[name][1](), setting, batch, options.size, options.device)
        arms.add(
            f"{name}, {label}", step, batch, options.steps, setting=setting, parameters=parameters
        )
    add_ours(arms, f"ours, {name}'s size", scaled_to(config, parameters), options.steps, opened)


def tried_settings(name: str, options: argparse.Namespace) -> dict[str, Any]:
    """Pictures per second of each setting at its better batch size, or why it was not measured."""
    try:
        parameters = parameters_of(PEERS[name][1]())
    except NotInstalled as absent:
        return {"absent": str(absent)}
    found: dict[str, Any] = {"parameters": parameters}
    fast = has_fast_bfloat16(pick_device(options.device))
    for setting in SETTINGS:
        if "bfloat16" in setting and not fast:
            found[setting] = {"reason": NO_BF16}
        elif "compiled" in setting:
            eager = found[setting.removesuffix(", compiled")]
            found[setting] = (
                tried_compiled(name, setting, eager["batch"], options)
                if options.compile
                else {"reason": "not measured: --no-compile"}
            )
        else:
            each = [tried_once(name, setting, batch, options) for batch in options.batches]
            found[setting] = max(each, key=lambda one: one["per_second"])
        print(f"{name}, {setting}: {found[setting]}", flush=True)
    return found


def tried_once(name: str, setting: str, batch: int, options: argparse.Namespace) -> dict[str, Any]:
    """Time a few steps of one setting and batch size, after a warm-up step."""
    step = PeerStep(PEERS[name][1](), setting, batch, options.size, options.device)
    warm_up = timed(step)
    seconds = statistics.median(timed(step) for _ in range(options.tries))
    return {
        "per_second": round(batch / seconds, 2),
        "batch": batch,
        "warm_up_seconds": round(warm_up, 1),
    }


def tried_compiled(
    name: str, setting: str, batch: int, options: argparse.Namespace
) -> dict[str, Any]:
    """The same with torch.compile, which may fail without a compiler."""
    try:
        return tried_once(name, setting, batch, options)
    except Exception as error:  # inductor, dynamo and compilers raise all kinds of exceptions
        return {"reason": f"torch.compile failed: {type(error).__name__}: {str(error)[:120]}"}


def ratios(arms: Arms, timings: dict[str, Timing]) -> dict[str, Any]:
    """Ours relative to each setting of each peer, at equal parameters and as shipped."""
    speed = {name: rates(timings[name], arms.pictures[name]) for name in timings}
    found = {}
    for name in PEERS:
        for label in ("default", "best"):
            if (peer := f"{name}, {label}") in speed:
                equal, shipped = speed[f"ours, {name}'s size"], speed[OURS]
                found[peer] = {
                    "equal_parameters": ratio(equal, speed[peer]).as_dict(),
                    "as_it_is": ratio(shipped, speed[peer]).as_dict(),
                }
    return found


def claims(compared: dict[str, Any]) -> list[dict[str, Any]]:
    """Targets at equal parameters: five times their defaults, three times their best."""
    return [
        claim(
            f"training throughput at equal parameters, relative to {peer}",
            one["equal_parameters"]["median"],
            MORE_THAN_DEFAULT if peer.endswith("default") else MORE_THAN_BEST,
            unit="x",
        )
        for peer, one in compared.items()
    ]


def show(arms: dict[str, Any], tried: dict[str, Any]) -> None:
    """Print one line per arm."""
    for name, one in arms.items():
        low, high = one["seconds_range"]
        print(
            f"{name:45} {one['per_second']:8.1f} pictures/s  {one['parameters']:>9,} parameters"
            f"  ({low:.2f} to {high:.2f} s)"
        )
    for name, one in tried.items():
        if "absent" in one:
            print(f"{name}: skipped, {one['absent']}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--config", default="digits", help="preset or YAML file of our model")
    parser.add_argument("--size", type=int, default=32, help="side of the pictures")
    parser.add_argument("--batch", type=int, help="our batch size; default: as in the config")
    parser.add_argument("--batches", type=int, nargs="+", default=[64, 128], help="for the peers")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of all arms")
    parser.add_argument("--steps", type=int, default=2, help="steps per arm and round")
    parser.add_argument("--tries", type=int, default=3, help="timed steps per setting")
    parser.add_argument("--no-compile", action="store_false", dest="compile")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--smoke", action="store_true", help="tiny batches, two rounds")
    parser.add_argument("--out", type=Path, default=RESULTS / "train_step.json")
    options = parsed(parser)
    if options.smoke:
        options.batch, options.batches, options.compile = 4, [2, 4], False
        options.rounds, options.steps, options.tries = 2, 1, 1
    return options


if __name__ == "__main__":
    main()
