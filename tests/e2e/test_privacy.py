"""What is said in the corpus stands in the artifacts alone."""

from cberl.artifacts import read_table
from cberl.corpus.tables import UTTERANCES


def test_logs_and_benchmark_files_hold_no_transcript(finished_run):
    results = finished_run.folder / "results/six"
    texts = read_table(results / "corpus/utterances.parquet", UTTERANCES)["text"]
    telling = [text for text in texts if len(text) > 15]
    assert len(telling) > 10
    folders = (results / "logs", results / "benchmarks", finished_run.folder / ".snakemake/log")
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    assert len(files) > 40
    for path in files:
        content = path.read_text(encoding="utf-8", errors="replace")
        assert not [text for text in telling if text in content], path
