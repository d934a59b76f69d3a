"""Oversampling at MELD's size: the GAN's epoch against its bare layers, and the other steps.

    python benchmarks/oversample.py [--rounds 15] [--device cuda]

9,989 rows of three modalities (384, 88 and 1,024 wide) with MELD's classes are made up. The epoch
is `cberl.oversample.gan.fit.run_epoch`: masks, partners, mixed latents, all five terms,
averages. The bare loop runs the same layers over the same batches forward and backward with the
same optimizers, and nothing else. Rounds alternate, medians are compared. One thread; the machine
should be idle. Printed, and written into docs/results.md; of a GPU into a section of its own.
"""

import os
import sys
import time

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
import torch
from melds_size import CLASSES, default_settings, make_features, make_labels, make_utterances
from results_page import tell
from side_by_side import median_seconds, peak_memory, read_arguments, section_of
from torch import Tensor

from cberl.features.featureset import FeatureSet
from cberl.oversample.dialogue_copies import fill_places, plan_places
from cberl.oversample.gan.fit import Training, draw_batches, run_epoch, start_training
from cberl.oversample.gan.sample import sample_gan, to_tensors
from cberl.oversample.target_counts import target_counts

SETTINGS = default_settings("oversample", "gan")
BOUNDS = {
    "GAN epoch, ratio to bare layers": 1.2,
    "places for fully balanced classes, s": 10.0,
    "samples for them, s": 10.0,
    "peak memory, GiB": 2.0,
    "peak GPU memory, GiB": 2.0,
}


def run_bare(
    training: Training, rows: dict[str, Tensor], masks: dict[str, Tensor], labels: Tensor, batches
) -> None:
    """The layers of one epoch forward and backward, and the optimizers' steps."""
    gan, critics = training.gan, training.critics
    for numbers in batches:
        batch = numbers.to(labels.device)
        part = {name: row[batch] for name, row in rows.items()}
        mask = {name: value[batch] for name, value in masks.items()}
        label = labels[batch]
        mean, log_variance = gan.encoder(part, mask, label)
        both = gan.generate(torch.cat([mean, log_variance]), label.repeat(2))
        fakes = {name: value[: len(batch)] for name, value in both.items()}
        joined = {name: torch.cat([part[name], fakes[name].detach()]) for name in part}
        twice = {name: value.repeat(2, 1) for name, value in mask.items()}
        scores, logits = critics(joined, twice, label.repeat(2))
        training.critic_optimizer.zero_grad(set_to_none=True)
        (scores.mean() + logits.mean()).backward()
        training.critic_optimizer.step()
        critics.requires_grad_(False)
        scores, logits = critics(fakes, mask, label)
        critics.requires_grad_(True)
        rest = torch.stack([value[len(batch) :].mean() for value in both.values()])
        training.optimizer.zero_grad(set_to_none=True)
        (scores.mean() + logits.mean() + rest.sum()).backward()
        training.optimizer.step()


def time_epochs(
    features: FeatureSet, labels: np.ndarray, rounds: int, device: str
) -> tuple[float, float]:
    """Median seconds of an epoch, and of the bare loop over the same batches."""
    generator = torch.Generator().manual_seed(0)
    tensors = to_tensors(features, labels, device)
    settings = SETTINGS | {"device": device}
    training, bare = (start_training(features, CLASSES, settings, 0, generator) for _ in range(2))
    batches: list[tuple[Tensor, ...]] = []

    def run_whole() -> None:
        batches.append(draw_batches(labels, SETTINGS["batch_size"], generator))
        run_epoch(training, *tensors, batches[-1])

    return median_seconds(run_whole, lambda: run_bare(bare, *tensors, batches[-1]), rounds)


def time_samples(features: FeatureSet, labels: np.ndarray) -> tuple[float, float]:
    """Seconds to plan places for fully balanced classes, and to sample and fill them."""
    train = make_utterances(np.random.default_rng(0))
    classes = [str(number) for number in range(CLASSES)]
    settings = SETTINGS | {"device": "cpu"}  # as the pipeline samples
    gan = start_training(features, CLASSES, settings, 0, torch.Generator()).gan.eval()
    started = time.perf_counter()
    wanted = target_counts(labels, classes, "balanced")
    places = plan_places(train, labels, wanted, seed=0)
    planned = time.perf_counter()
    samples = sample_gan(gan, features, labels, places.labels, seed=0)
    for _ in fill_places(places, samples, classes):
        pass
    return planned - started, time.perf_counter() - planned


def main() -> int:
    arguments = read_arguments(__doc__)
    torch.set_num_threads(1)
    generator = np.random.default_rng(0)
    features, labels = make_features(generator), make_labels(generator)
    epoch, bare = time_epochs(features, labels, arguments.rounds, arguments.device)
    places, samples = time_samples(features, labels)
    measured = {
        "GAN epoch, s": epoch,
        "bare layers, s": bare,
        "GAN epoch, ratio to bare layers": epoch / bare,
        f"{SETTINGS['epochs']} epochs (the default), s": SETTINGS["epochs"] * epoch,
        "places for fully balanced classes, s": places,
        "samples for them, s": samples,
        **peak_memory(arguments.device),
    }
    return tell(section_of("oversample", arguments.device), measured, BOUNDS, decimals=2)


if __name__ == "__main__":
    sys.exit(main())
