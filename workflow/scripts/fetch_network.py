"""Fetch the video network's published weights."""

from cberl.job import start_job
from cberl.artifacts import write_tensors
from cberl.features.video.backbone import fetch_weights

with start_job(snakemake, torch=True) as job:
    tensors, facts = fetch_weights(job.settings["encoder"])
    write_tensors(snakemake.output.network, "video_network", tensors, job.provenance, facts)
