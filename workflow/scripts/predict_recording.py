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
    folder = Path(snakemake.output.turns).parent
    # Snakemake has removed an earlier run's tables; its pages would outlive a failure.
    shutil.rmtree(folder)
    form = TableForm(**job.settings["form"], place="predict.")
    new = read_input(job.settings["recording"], job.settings["transcript"], form)
    models = open_bundle(Path(snakemake.input.manifest).parent, job.settings["device"])
    prediction = predict_conversations(models, new, keep_encoders=False)
    write_outputs(folder, prediction, new.root, job.provenance, new.durations)
