"""A training of 120 epochs, a second each."""

import time

import torch
from torch import nn

from cberl.job import start_job
from cberl.fitting.checkpoint import resumable
from cberl.fitting.epochs import Plan, run_epochs

EPOCHS = 120


class Slow:
    """Notes when each of its epochs ends."""

    def __init__(self):
        self.network = nn.Linear(1, 1)

    def run_epoch(self, epoch):
        time.sleep(1)
        with open("epochs", "a") as file:
            file.write(f"{epoch}\n")
        return {"loss": float(torch.rand(1))}

    def score(self):
        return {}


with start_job(snakemake, torch=True) as job:
    with resumable(snakemake.output.model, job.provenance, job.params) as checkpoint:
        history = run_epochs(Slow(), Plan("toy", EPOCHS), checkpoint)
        with open(snakemake.output.model, "w") as file:
            file.write(history.to_csv())
