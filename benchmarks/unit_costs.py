"""What an utterance costs, and from that the size of larger runs.

    make sizing

Runs the pipeline on a twelfth of the demo corpus and on a quarter of it, each clip made as long
and as large as MELD's are, takes the CPU time of each job, and draws a line through a rule's two
times: seconds that a job takes anyway, and seconds for each utterance. Settings are the defaults,
but training always goes on to its last epoch: when it would stop is chance, and so would the line
be. Written into docs/slurm.md: these unit costs, and jobs, core hours and gigabytes of the runs in
`PLANS`, which are extrapolated. Ten minutes on one idle core.
"""

import csv
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import yaml
from clips import DEMO, FRAME_SIZE, SECONDS, UNREADABLE, remake_clip
from melds_size import SPLIT_UTTERANCES
from results_page import markdown_table, replace_section
from snakemake_runs import clocked, read_clock, run_snakemake

from cberl.configuration import PROJECT
from cberl.corpus.annotations import MELD_CLIP_FOLDERS

PAGE = PROJECT / "docs/slurm.md"
NEVER = 1000
SETTINGS = {
    "seeds": [0],
    "shards": 1,
    # The published weights cost as much as none, and need not be there.
    "features": {"video": {"weights": "none"}},
    "fuse": {"vae": {"patience": NEVER}},
    "train": {"patience": NEVER},
}
SMALL_SHARE, LARGE_SHARE = 12, 4
"""The small run has every twelfth dialogue of the demo corpus, the large one every fourth."""
PER_SHARD = {"decode_media", "extract_text", "extract_audio", "extract_video"}
PER_MODALITY = {"gather_features"}
ONCE = {"ingest_corpus", "assess_quality", "fit_scaler"}
OVER_ALL_SEEDS = {"evaluate_predictions", "render_report"}


@dataclass(frozen=True)
class Plan:
    """A run of known size: corpora, utterances and shards of each, and seeds."""

    name: str
    corpora: int
    utterances: int
    shards: int
    seeds: int = 5


PLANS = (
    Plan("MELD", 1, sum(SPLIT_UTTERANCES.values()), 16),
    Plan("ten corpora like MELD", 10, sum(SPLIT_UTTERANCES.values()), 16),
    Plan("a million utterances", 1, 1_000_000, 1000),
)


@dataclass(frozen=True)
class UnitCost:
    """A rule's jobs in a run of one seed, and what one of them takes: CPU time and memory."""

    jobs: int
    fixed_s: float
    utterance_s: float
    memory_mb: float


def copy_part(target: Path, share: int) -> int:
    """Make a corpus of every ``share``-th dialogue of the demo corpus; returns its utterances."""
    count = 0
    for split, folders in MELD_CLIP_FOLDERS.items():
        name = f"{split}_sent_emo.csv"
        with (DEMO / name).open(encoding="utf-8", newline="") as source:
            reader = csv.DictReader(source)
            rows = [row for row in reader if int(row["Dialogue_ID"]) % share == 0]
        target.mkdir(exist_ok=True)
        with (target / name).open("w", encoding="utf-8", newline="") as part:
            writer = csv.DictWriter(part, reader.fieldnames)
            writer.writeheader()
            writer.writerows(rows)
        (target / folders[0]).mkdir()
        for row in rows:
            clip = f"{folders[0]}/dia{row['Dialogue_ID']}_utt{row['Utterance_ID']}.mp4"
            enlarge_clip(DEMO / clip, target / clip)
        count += len(rows)
    return count


def enlarge_clip(source: Path, target: Path) -> None:
    """Repeat a clip until it is `SECONDS` long, at `FRAME_SIZE`; keep one that cannot be read."""
    try:
        remake_clip(source, target, SECONDS, FRAME_SIZE)
    except UNREADABLE:
        if source.exists():
            target.write_bytes(source.read_bytes())


def run_pipeline(folder: Path, share: int) -> tuple[int, pd.DataFrame, int]:
    """Run the pipeline in ``folder``.

    Returns:
        number of utterances; one row per job (see `read_jobs`); and the bytes of all results.
    """
    folder.mkdir()
    utterances = copy_part(folder / "corpus", share)
    corpus = {"name": "part", "kind": "meld", "root": "corpus", "max_unavailable": 0.5}
    (folder / "config").mkdir()
    (folder / "config/config.yaml").write_text(yaml.safe_dump({"corpus": corpus, **SETTINGS}))
    clock = folder / "job_clock.tsv"
    run_snakemake(folder, cores=1, show=True, environment=clocked(clock))
    files = (folder / "results").rglob("*")
    size = sum(path.stat().st_size for path in files if path.is_file())
    return utterances, read_jobs(clock), size


def read_jobs(clock: Path) -> pd.DataFrame:
    """Rule, seconds of CPU and peak memory in MB of every job, from what its process noted."""
    noted = read_clock(clock)
    # Snakemake runs a script under a name like tmp8z3k.fit_gan.py, another one for each job. A
    # helper process notes itself too; it is in its parent's numbers already.
    found = noted["script"].str.extract(r"/scripts/[^/.]+\.(\w+)\.py$")[0]
    jobs = noted.assign(rule=found).dropna().groupby(["rule", "script"], as_index=False).max()
    return jobs[["rule", "seconds", "memory_mb"]]


def fit_costs(small: tuple[int, pd.DataFrame, int], large: tuple[int, pd.DataFrame, int]) -> dict:
    """Rule -> `UnitCost`: the line through its mean time in the two runs, never falling."""
    costs = {}
    few, many = (run[1].groupby("rule") for run in (small, large))
    for rule, seconds in many["seconds"].mean().items():
        before = few["seconds"].mean()[rule]
        slope = max(0.0, (seconds - before) / (large[0] - small[0]))
        fixed = max(0.0, before - slope * small[0])
        memory = many["memory_mb"].max()[rule]
        costs[rule] = UnitCost(len(many.get_group(rule)), fixed, slope, memory)
    return costs


def size_plan(plan: Plan, costs: dict[str, UnitCost], utterance_bytes: float) -> tuple[str, ...]:
    """One row of the table: jobs, core hours, the longest job's hours, and gigabytes."""
    jobs, seconds, longest = 0, 0.0, 0.0
    for rule, cost in costs.items():
        times = cost.jobs
        size: float = plan.utterances
        if rule in PER_SHARD:
            times, size = plan.shards, plan.utterances / plan.shards
        elif rule in OVER_ALL_SEEDS:
            size = plan.utterances * plan.seeds
        elif rule not in ONCE | PER_MODALITY:
            times = cost.jobs * plan.seeds
        each = cost.fixed_s + cost.utterance_s * size
        jobs, seconds = jobs + times, seconds + times * each
        longest = max(longest, each)
    gigabytes = plan.corpora * plan.utterances * utterance_bytes / 1e9
    return (
        plan.name,
        f"{plan.corpora * plan.utterances:,}",
        f"{plan.corpora * (jobs + 1):,}",
        f"{plan.corpora * seconds / 3600:,.0f}",
        f"{longest / 3600:.1f}",
        f"{gigabytes:,.0f}",
    )


def main() -> None:
    with TemporaryDirectory() as name:
        small = run_pipeline(Path(name) / "small", SMALL_SHARE)
        large = run_pipeline(Path(name) / "large", LARGE_SHARE)
    costs = fit_costs(small, large)
    utterance_bytes = (large[2] - small[2]) / (large[0] - small[0])
    units = [
        (rule, f"{cost.fixed_s:.1f}", f"{1000 * cost.utterance_s:.1f}", f"{cost.memory_mb:.0f}")
        for rule, cost in sorted(costs.items())
    ]
    plans = [size_plan(plan, costs, utterance_bytes) for plan in PLANS]
    text = "\n\n".join(
        (
            f"Measured on {small[0]} and {large[0]} utterances, {utterance_bytes / 1000:.0f} kB of"
            " results per utterance:",
            markdown_table(("rule", "CPU seconds a job", "CPU ms an utterance", "peak MB"), units),
            "Extrapolated from it, five seeds, two variants:",
            markdown_table(
                ("run", "utterances", "jobs", "core hours", "longest job, h", "GB"), plans
            ),
        )
    )
    print(text)
    replace_section("sizing", text, PAGE)


if __name__ == "__main__":
    main()
