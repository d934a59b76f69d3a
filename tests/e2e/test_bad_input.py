"""Every mistake ends the run early, in one line, with an exit status and nothing half-written."""

import pytest
from made_bombs import BOMBS

HEAVY = ("decode_media", "extract_text", "extract_audio", "extract_video", "fit_gan")


def configured(**sections):
    return lambda workspace: workspace.configure(**sections)


def with_csv(change, split="train"):
    """Rewrite one of the corpus's CSVs."""

    def apply(workspace):
        path = workspace.folder / f"six/{split}_sent_emo.csv"
        path.write_bytes(change(path.read_bytes()))

    return apply


def with_bomb(workspace):
    """A table that unpacks to gigabytes; every process of a run looks at it."""
    suffix, make = BOMBS["parquet of many rows"]
    make(workspace.folder / f"six/bomb.{suffix}")
    corpus = {"name": "six", "kind": "table", "root": "six", "file": f"bomb.{suffix}"}
    workspace.configure(corpus=corpus)


def with_variants(text):
    def apply(workspace):
        (workspace.folder / "config/variants.tsv").write_text(text)

    return apply


def repeat_last_row(content):
    return content + content.splitlines(keepends=True)[-1]


MISTAKES = {
    "mistyped key": (configured(sedes=[0]), "config/config.yaml: unknown key sedes; did you mean"),
    "mistyped nested key": (
        configured(train={"epoch": 3}),
        "config/config.yaml: unknown key train.epoch; did you mean epochs?",
    ),
    "missing root": (
        configured(corpus={"name": "six", "kind": "meld", "root": "nowhere"}),
        "corpus.root: no such folder",
    ),
    "zero seeds": (configured(seeds=[]), "seeds is []; expected at least 1"),
    "unknown oversampler": (
        with_variants(
            "variant\toversampler\tfusion\tloss\tdialogue_sampling\tmask_weight\n"
            "mine\tgam\tvae\tfocal\tuniform\t0\n"
        ),
        "variants.tsv: row 1: oversampler is 'gam'; expected one of none, random, smote, gan",
    ),
    "missing column": (
        with_csv(lambda content: content.replace(b"Speaker", b"Talker", 1)),
        "train_sent_emo.csv: has no column Speaker",
    ),
    "duplicate key": (with_csv(repeat_last_row), "train/3/"),
    "unknown label": (
        with_csv(lambda content: content.replace(b",joy,", b",glee,", 1)),
        "glee",
    ),
    "bomb": (with_bomb, "six/bomb.parquet: unpacks to"),
    "empty file": (with_csv(lambda content: b""), "train_sent_emo.csv"),
    "no rows": (
        with_csv(lambda content: content.splitlines(keepends=True)[0]),
        "train_sent_emo.csv",
    ),
    "other encoding": (
        with_csv(lambda content: content.decode().encode("utf-16-le")),
        "train_sent_emo.csv",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_told_in_one_line_before_any_heavy_job(workspace, mistake):
    spoil, message = MISTAKES[mistake]
    spoil(workspace)
    done = workspace.snakemake(check=False)
    assert done.returncode != 0
    lines = [line for line in done.stdout.splitlines() if "error: " in line]
    assert any(message in line for line in lines), done.stdout
    assert "Traceback" not in done.stdout
    assert not any(f"rule {name}:" in done.stdout for name in HEAVY)
    written = [path for path in workspace.folder.glob("results/**/*") if path.is_file()]
    assert [path for path in written if path.suffix not in {".log", ".tsv"}] == []
