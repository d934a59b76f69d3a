"""Tables of one's own, from the command line: what is printed, refused and shown on the page."""

import pytest
from made_corpora import table_rows, write_table

DEALT = ["train"] * 6 + ["dev"] * 2 + ["test"] * 2
QUALITY = "results/mine/corpus/quality.parquet"


def use_table(workspace, change=lambda row: row, modalities=("text",), **corpus):
    """Configure a table of ten dialogues, each row changed."""
    (workspace.folder / "mine").mkdir(exist_ok=True)
    rows = [change({**row, "split": DEALT[at // 2]}) for at, row in enumerate(table_rows())]
    write_table(workspace.folder / "mine/utterances.tsv", rows)
    section = {"name": "mine", "kind": "table", "root": "mine", **corpus}
    workspace.configure(corpus=section, modalities=list(modalities))


def renamed(old, new):
    return lambda row: {(new if name == old else name): cell for name, cell in row.items()}


MISTAKES = {
    "synonym": (renamed("split", "partition"), {}, "corpus.columns: {partition: split}"),
    "case": (
        lambda row: {
            **row,
            "label": row["label"].title() if row["split"] == "dev" else row["label"],
        },
        {},
        "corpus.labels: {Calm: calm, Cross: cross}",
    ),
    "no media": (lambda row: row, {"modalities": ["text", "audio"]}, "write modalities: [text]"),
    "unlabelled dev": (
        lambda row: row | ({"label": ""} if row["split"] == "dev" else {}),
        {},
        "no utterance of split dev has a label",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_table_that_is_likely_meant_otherwise_ends_the_run_before_any_job(workspace, mistake):
    change, settings, message = MISTAKES[mistake]
    use_table(workspace, change, **settings)
    done = workspace.snakemake(QUALITY, check=False)
    assert done.returncode != 0
    assert [line for line in done.stdout.splitlines() if line.startswith("error: ")]
    assert message in done.stdout
    assert "Traceback" not in done.stdout
    assert not (workspace.folder / "results").exists()


def test_what_is_not_read_is_printed_once_and_on_the_page(workspace):
    use_table(workspace, lambda row: {**row, "remark": "nice"})
    done = workspace.snakemake(QUALITY)
    notice = "utterances.tsv: not read: column remark"
    assert done.stdout.count(notice) == 1
    assert f"<li>{notice}</li>" in (workspace.folder / QUALITY).with_suffix(".html").read_text()
    assert notice in (workspace.folder / "results/mine/logs/ingest_corpus.log").read_text()


def test_a_target_that_was_taken_for_a_configuration_is_told(workspace):
    use_table(workspace)
    target = workspace.folder / "results/mine/manifest.json"
    target.parent.mkdir(parents=True)
    target.write_text("{}")
    done = workspace.snakemake("--configfile", "config/config.yaml", str(target), check=False)
    assert done.returncode != 0
    assert "manifest.json was taken for a configuration file; put targets before" in done.stdout


def test_the_target_check_prints_the_overview_and_runs_nothing(workspace):
    use_table(workspace)
    done = workspace.snakemake("check")
    assert "10 dialogues of 2 turns; 2 speakers" in done.stdout
    assert "next problem: none" in done.stdout
    use_table(workspace, renamed("label", "emotion"))
    done = workspace.snakemake("check", check=False)
    assert done.returncode != 0
    assert "next problem: " in done.stdout
    assert "corpus.columns: {emotion: label}" in done.stdout
    assert not (workspace.folder / "results").exists()
