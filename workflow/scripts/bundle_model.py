"""Put a variant's bundle together."""

import shutil
from pathlib import Path

from cberl.job import start_job
from cberl.predict.bundle.write import Parts, write_bundle

with start_job(snakemake) as job:
    folder = Path(snakemake.output.manifest).parent
    names = {name: snakemake.wildcards[name] for name in ("corpus", "variant")}
    parts = Parts(
        provenance=job.provenance,
        scaler=Path(snakemake.input.scaler),
        networks=[Path(path) for path in snakemake.input.networks],
        vaes=[Path(path) for path in snakemake.input.vaes],
        text_weights=[Path(path) for path in snakemake.input.text],
        video_network=Path(snakemake.input.video) if snakemake.input.get("video") else None,
        encoder_files=job.params["encoder_files"],
        card=Path(snakemake.input.card),
    )
    shutil.rmtree(folder)
    write_bundle(folder, parts, job.settings | names)
