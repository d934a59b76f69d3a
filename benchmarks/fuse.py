"""Speed of the VAE's training against its bare layers, as a ratio within one run.

    python benchmarks/fuse.py [--rounds 15] [--device cuda]

9,989 rows of three modalities (384, 88 and 1,024 wide) with MELD's classes are made up. The epoch
is `cberl.fuse.vae.fit.VAETraining.run_epoch`: order drawn, modalities hidden, posterior, sampling,
all terms, clipping. The bare loop runs the same layers over the same batches forward and backward
with the same optimizer and torch's dropout, and nothing else. Rounds alternate, medians are
compared. One thread; the machine should be idle. Printed, and written into docs/results.md; of a
GPU into a section of its own.
"""

import os
import sys

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
import torch
from melds_size import make_rows
from results_page import show
from side_by_side import (
    median_seconds,
    peak_memory,
    read_arguments,
    section_of,
    with_torch_dropout,
)
from torch import Tensor

from cberl.fitting.tensors import to_tensors
from cberl.fuse.settings import VAESettings
from cberl.fuse.vae.fit import VAETraining
from cberl.fuse.vae.network import VAENetwork
from cberl.rows import LabelledRows

SETTINGS = VAESettings()
BOUNDS = {
    "VAE epoch, ratio to bare layers": 1.2,
    "peak memory, GiB": 2.0,
    "peak GPU memory, GiB": 2.0,
}


def run_bare(vae: VAENetwork, values: dict[str, Tensor], optimizer: torch.optim.Optimizer) -> None:
    """The layers of one epoch forward and backward, and the optimizer's steps."""
    order = torch.randperm(len(values["text"])).to(values["text"].device)
    for batch in order.split(SETTINGS.batch_size):
        moments = [encoder(values[name][batch]) for name, encoder in vae.encoders.items()]
        latent = sum(moments)[:, : vae.latent_size]
        means = [decoder(latent).mean() for decoder in vae.decoders.values()]
        optimizer.zero_grad(set_to_none=True)
        (sum(means) + vae.classifier(latent).mean()).backward()
        optimizer.step()


def time_epochs(train: LabelledRows, rounds: int, device: str) -> tuple[float, float]:
    """Median seconds of an epoch, and of the bare loop."""
    dev = train.take(slice(1))
    whole, bare = (VAETraining(train, dev, SETTINGS, device) for _ in range(2))
    network = with_torch_dropout(bare.network).train()
    values, _, _ = to_tensors(train, device)
    return median_seconds(
        lambda: whole.run_epoch(SETTINGS.annealing_epochs + 1),
        lambda: run_bare(network, values, bare.optimizer),
        rounds,
    )


def main() -> int:
    arguments = read_arguments(__doc__)
    torch.set_num_threads(1)
    torch.manual_seed(0)
    train = make_rows(np.random.default_rng(0))
    epoch, bare = time_epochs(train, arguments.rounds, arguments.device)
    measured = {
        "VAE epoch, s": epoch,
        "bare layers, s": bare,
        "VAE epoch, ratio to bare layers": epoch / bare,
        **peak_memory(arguments.device),
    }
    return show(section_of("fuse", arguments.device), measured, BOUNDS, decimals=2)


if __name__ == "__main__":
    sys.exit(main())
