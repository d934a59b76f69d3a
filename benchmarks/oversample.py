"""Oversampling at MELD's size: the GAN's epoch against its bare layers, and the other steps.

    python benchmarks/oversample.py [--rounds 15] [--device cuda]

9,989 rows of three modalities (384, 88 and 1,024 wide) with MELD's classes are made up. The epoch
is `cberl.oversample.gan.fit.GANTraining.run_epoch`: masks, partners, mixed latents, all five terms,
averages. The bare loop runs the same layers over the same batches forward and backward with the
same optimizers, and nothing else. Rounds alternate, medians are compared. One thread; the machine
should be idle. Printed, and written into docs/results.md; of a GPU into a section of its own.
"""

import os
import sys
import time
from collections.abc import Sequence

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
import torch
from melds_size import make_rows, make_utterances
from results_page import show
from side_by_side import median_seconds, peak_memory, read_arguments, section_of
from torch import Tensor

from cberl.fitting.tensors import to_tensors
from cberl.oversample.dialogue_copies import fill_copies, plan_copies
from cberl.oversample.gan.fit import GANTraining, draw_batches
from cberl.oversample.gan.sample import sample_gan
from cberl.oversample.settings import GANSettings
from cberl.oversample.target_counts import target_counts
from cberl.rows import LabelledRows

SETTINGS = GANSettings()
BOUNDS = {
    "GAN epoch, ratio to bare layers": 1.1,
    "plan for fully balanced classes, s": 10.0,
    "samples for them, s": 10.0,
    "peak memory, GiB": 2.0,
    "peak GPU memory, GiB": 2.0,
}


def run_bare(
    training: GANTraining,
    rows: dict[str, Tensor],
    available: dict[str, Tensor],
    labels: Tensor,
    batches: Sequence[Tensor],
) -> None:
    """The layers of one epoch forward and backward, and the optimizers' steps."""
    gan, critics = training.gan, training.critics
    for numbers in batches:
        batch = numbers.to(labels.device)
        part = {name: row[batch] for name, row in rows.items()}
        mask = {name: value[batch] for name, value in available.items()}
        label = labels[batch]
        mean, log_variance = gan.encoder(part, mask, label)
        both = gan.generate(torch.cat([mean, log_variance]), label.repeat(2))
        fakes = {name: value[: len(batch)] for name, value in both.items()}
        joined = {name: torch.cat([part[name], fakes[name].detach()]) for name in part}
        twice = {name: value.repeat(2) for name, value in mask.items()}
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


def time_epochs(train: LabelledRows, rounds: int, device: str) -> tuple[float, float]:
    """Median seconds of an epoch, and of the bare loop over as many batches drawn likewise."""
    whole, bare = (GANTraining(train, SETTINGS, 0, device) for _ in range(2))
    tensors = to_tensors(train, device)
    generator = torch.Generator().manual_seed(0)
    batches = draw_batches(train.labels, SETTINGS.batch_size, generator)
    return median_seconds(
        lambda: whole.run_epoch(1), lambda: run_bare(bare, *tensors, batches), rounds
    )


def time_samples(train: LabelledRows) -> tuple[float, float]:
    """Seconds to plan the copies for fully balanced classes, and to sample and fill them."""
    utterances = make_utterances(np.random.default_rng(0))
    gan = GANTraining(train, SETTINGS, 0, "cpu").gan.eval()  # on the CPU, as the pipeline samples
    started = time.perf_counter()
    wanted = target_counts(train, "balanced")
    plan = plan_copies(utterances, train.labels, wanted, seed=0)
    planned = time.perf_counter()
    samples = sample_gan(gan, train, plan.labels, seed=0)
    for _ in fill_copies(plan, samples):
        pass
    return planned - started, time.perf_counter() - planned


def main() -> int:
    arguments = read_arguments(__doc__)
    torch.set_num_threads(1)
    train = make_rows(np.random.default_rng(0))
    epoch, bare = time_epochs(train, arguments.rounds, arguments.device)
    plan, samples = time_samples(train)
    measured = {
        "GAN epoch, s": epoch,
        "bare layers, s": bare,
        "GAN epoch, ratio to bare layers": epoch / bare,
        f"{SETTINGS.epochs} epochs (the default), s": SETTINGS.epochs * epoch,
        "plan for fully balanced classes, s": plan,
        "samples for them, s": samples,
        **peak_memory(arguments.device),
    }
    return show(section_of("oversample", arguments.device), measured, BOUNDS, decimals=2)


if __name__ == "__main__":
    sys.exit(main())
