"""Join one modality's shards and divide them by split."""

from cberl.job import start_job
from cberl.artifacts import open_table, read_table
from cberl.corpus.tables import UTTERANCES
from cberl.features.gather import common_facts, find_rows, gather_split
from cberl.features.tables import FEATURES
from cberl.modalities import SPLITS

with start_job(snakemake) as job:
    utterances = read_table(snakemake.input.utterances, UTTERANCES, ["utterance_id", "split"])
    facts = common_facts(snakemake.input.shards)
    rows = find_rows(utterances, snakemake.input.shards)
    for split, path in zip(SPLITS, snakemake.output.features, strict=True):
        with open_table(path, FEATURES, job.provenance, facts | {"split": split}) as table:
            for frame, features in gather_split(rows, split):
                table.write(frame, {"features": features})
