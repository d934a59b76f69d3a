"""Import published features."""

from pathlib import Path

from cberl.job import start_job
from cberl.artifacts import open_table, read_table
from cberl.corpus.readers.feature_files import read_feature_file
from cberl.corpus.settings import CorpusSettings
from cberl.corpus.tables import UTTERANCES
from cberl.features.gather import find_rows, gather_split
from cberl.features.import_features import probe_shard, published_shard
from cberl.features.tables import FEATURES
from cberl.modalities import SPLITS
from cberl.provenance import find_path
from cberl.settings import read_settings

with start_job(snakemake) as job:
    settings = read_settings(CorpusSettings, job.settings)
    utterances = read_table(
        snakemake.input.utterances, UTTERANCES, ["utterance_id", "split", "split_group"]
    )
    published = read_feature_file(settings, find_path(settings.root))
    paths = iter(map(Path, snakemake.output.features))
    for modality in snakemake.params.modalities:
        own = [next(paths) for _ in SPLITS]
        with published_shard(published, modality, own[0].parent) as shard:
            rows = find_rows(utterances, [shard])
            probe = probe_shard(shard, published, utterances)
            facts = {"modality": modality} | ({"probe": probe.facts()} if probe else {})
            for split, path in zip(SPLITS, own, strict=True):
                with open_table(path, FEATURES, job.provenance, facts | {"split": split}) as table:
                    for frame, features in gather_split(rows, split):
                        table.write(frame, {"features": features})
