"""Predict one recording."""

import shutil
from pathlib import Path

from cberl.job import start_job
from cberl.predict.bundle.load import open_bundle
from cberl.predict.new_conversations import TableForm
from cberl.predict.outputs.write_outputs import write_outputs
from cberl.predict.predictor import predict_conversations
from cberl.predict.read_input import read_input

with start_job(snakemake, torch=True) as job:
    form = TableForm(**job.settings["form"], place="predict.")
    new = read_input(job.settings["recording"], job.settings["transcript"], form)
    models = open_bundle(Path(snakemake.input.manifest).parent, job.settings["device"])
    prediction = predict_conversations(models, new, keep_encoders=False)
    folder = Path(snakemake.output.turns).parent
    # Snakemake removes only these two files of an earlier run.
    shutil.rmtree(folder)
    write_outputs(folder, prediction, new.root, job.provenance, new.durations)
