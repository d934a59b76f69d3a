"""Oversampling at MELD's size: the GAN's epoch against its bare layers, and the other steps.

    python benchmarks/oversample.py [--rounds 5]

9,989 rows of three modalities (384, 88 and 1,024 wide) with MELD's classes are made up. The epoch
is `cberl.oversample.gan_training.run_epoch`: masks, partners, mixed latents, all five terms,
averages. The bare loop runs the same layers over the same batches forward and backward with the
same optimizers, and nothing else. Rounds alternate, medians are compared. One thread; the machine
should be idle. Printed, and written into docs/results.md.
"""

import argparse
import os
import resource
import statistics
import sys
import time

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
import pandas as pd
import torch
from results_page import markdown_table, replace_section
from torch import Tensor

from cberl.features.featureset import FeatureSet
from cberl.oversample.gan import sample_gan, to_tensors
from cberl.oversample.gan_training import Training, draw_batches, run_epoch, start_training
from cberl.oversample.place import fill_places, plan_places
from cberl.oversample.target import target_counts

COUNTS = (4710, 1743, 1205, 1109, 683, 271, 268)
WIDTHS = {"text": 384, "audio": 88, "video": 1024}
SETTINGS = {
    "latent_size": 128,
    "hidden_size": 256,
    "batch_size": 512,
    "learning_rate": 0.001,
    "class_weight": 1,
    "identity_weight": 100,
    "divergence_weight": 0.1,
    "average_decay": 0.99,
    "device": "cpu",
}
BOUNDS = {
    "GAN epoch, ratio to bare layers": 1.2,
    "40 epochs (the default), s": 180.0,
    "places for fully balanced classes, s": 10.0,
    "samples for them, s": 10.0,
    "peak memory, GiB": 2.0,
}


def make_rows(generator: np.random.Generator) -> tuple[FeatureSet, np.ndarray]:
    labels = generator.permutation(np.repeat(np.arange(len(COUNTS)), COUNTS))
    ids = np.array([f"train/{number // 10}/{number}" for number in range(len(labels))], object)
    values = {
        name: generator.normal(size=(len(labels), width)).astype(np.float32)
        for name, width in WIDTHS.items()
    }
    available = {name: np.ones(len(labels), dtype=bool) for name in WIDTHS}
    return FeatureSet(ids, values, available), labels


def run_bare(
    training: Training, rows: dict[str, Tensor], masks: dict[str, Tensor], labels: Tensor, batches
) -> None:
    """The layers of one epoch forward and backward, and the optimizers' steps."""
    gan, critics = training.gan, training.critics
    for batch in batches:
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


def time_epochs(features: FeatureSet, labels: np.ndarray, rounds: int) -> tuple[float, float]:
    """Median seconds of an epoch, and of the bare loop."""
    generator = torch.Generator().manual_seed(0)
    rows, masks, numbers = to_tensors(features, labels, "cpu")
    training, bare = (
        start_training(features, len(COUNTS), SETTINGS, 0, generator) for _ in range(2)
    )
    epochs, bares = [], []
    for _ in range(rounds + 1):
        started = time.perf_counter()
        batches = draw_batches(labels, SETTINGS["batch_size"], generator)
        run_epoch(training, rows, masks, numbers, batches)
        between = time.perf_counter()
        run_bare(bare, rows, masks, numbers, batches)
        epochs.append(between - started)
        bares.append(time.perf_counter() - between)
    return statistics.median(epochs[1:]), statistics.median(bares[1:])


def time_samples(features: FeatureSet, labels: np.ndarray) -> tuple[float, float]:
    """Seconds to plan places for fully balanced classes, and to sample and fill them."""
    ids = pd.Series(features.ids)
    train = pd.DataFrame({"utterance_id": ids, "split": "train", "speaker": "somebody"})
    train["dialogue_id"] = ids.str.rsplit("/", n=1).str[0]
    train["turn"] = train.groupby("dialogue_id").cumcount()
    gan = start_training(features, len(COUNTS), SETTINGS, 0, torch.Generator()).gan.eval()
    started = time.perf_counter()
    places = plan_places(train, labels, target_counts(labels, len(COUNTS), "balanced"), seed=0)
    planned = time.perf_counter()
    samples = sample_gan(gan, features, labels, places.labels, seed=0)
    for _ in fill_places(places, samples, [str(number) for number in range(len(COUNTS))]):
        pass
    return planned - started, time.perf_counter() - planned


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5, help="timed epochs; more steady the ratio")
    rounds = parser.parse_args().rounds
    torch.set_num_threads(1)
    features, labels = make_rows(np.random.default_rng(0))
    epoch, bare = time_epochs(features, labels, rounds)
    places, samples = time_samples(features, labels)
    gib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    measured = dict(zip(BOUNDS, (epoch / bare, 40 * epoch, places, samples, gib), strict=True))
    rows = [
        (name, f"{value:.2f}", f"{BOUNDS[name]:g}", "yes" if value <= BOUNDS[name] else "no")
        for name, value in measured.items()
    ]
    table = markdown_table(("quantity", "measured", "at most", "met"), rows)
    print(table)
    replace_section("oversample", table)
    return 0 if all(row[-1] == "yes" for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
