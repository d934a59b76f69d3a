"""Every kind of corpus runs through the same rules, and a hostile file ends at the first."""

import os
import pickle

import pytest
from made_corpora import MAKERS, SETTINGS, corpus_section, iemocap_tuple, published_fields

from cberl.artifacts import read_table
from cberl.corpus.tables import UTTERANCES


def use_kind(workspace, kind, modalities=("text",)):
    root = workspace.folder / kind
    root.mkdir()
    MAKERS[kind](root)
    corpus = corpus_section(kind, kind, kind, max_unavailable=1.0)
    workspace.configure(corpus=corpus, modalities=list(modalities))
    return root


@pytest.mark.parametrize("kind", MAKERS)
def test_a_kind_is_read_and_the_rest_of_the_rules_follow(workspace, kind):
    use_kind(workspace, kind)
    target = f"results/{kind}/corpus/utterances.parquet"
    workspace.snakemake(target)
    assert len(read_table(workspace.folder / target, UTTERANCES)) >= 6
    jobs = workspace.jobs_to_run()
    extracted = {"extract_text", "gather_features", "assess_quality"}
    imported = {"import_features", "assess_features"}
    wanted, unwanted = (imported, extracted) if kind == "features" else (extracted, imported)
    assert wanted <= jobs.keys()
    assert not unwanted & jobs.keys()
    assert {"fit_scaler", "fit_gan", "fit_vae", "train_gnn", "render_report"} <= jobs.keys()
    assert "decode_media" not in jobs


def test_sound_and_picture_of_a_table_are_decoded(workspace):
    use_kind(workspace, "table", ["audio", "video"])
    assert {"decode_media", "extract_audio", "extract_video"} <= workspace.jobs_to_run().keys()


class Harm:
    def __reduce__(self):
        return os.system, ("echo harm > harm.txt",)


def test_a_hostile_pickle_is_refused_by_name_and_does_nothing(workspace):
    root = use_kind(workspace, "features")
    content = pickle.dumps((*iemocap_tuple(published_fields()), Harm()))
    (root / SETTINGS["features"].file).write_bytes(content)
    done = workspace.snakemake(check=False)
    assert done.returncode != 0
    assert "IEMOCAP_features.pkl: asks for 'posix.system'" in done.stdout
    assert "Traceback" not in done.stdout
    assert not list(workspace.folder.rglob("harm.txt"))
    assert not list(workspace.folder.glob("results/features/corpus/*.parquet"))
