"""A trained variant on new recordings."""

from cberl.configuration import check_settings, has_gpu
from cberl.errors import InputError
from cberl.predict.bundle.manifest import MANIFEST, read_manifest
from cberl.predict.recordings import read_recordings, table_form
from cberl.preflight import check_names

try:
    check_settings(config, schema("predict.schema.yaml"), CONFIG_SOURCE)
    BUNDLE = find_path(config["predict"]["bundle"])
    read_manifest(BUNDLE)
    RECORDINGS = read_recordings(find_path(config["predict"]["recordings"]))
    TABLE_FORM = table_form(config["predict"], RECORDINGS)
    RAW_FILES = [file for recording in RECORDINGS.values() for file in recording.files]
    check_names([BUNDLE, *RAW_FILES])
except InputError as error:
    raise SystemExit(f"error: {error}")

NAME = config["predict"]["name"]
DEVICE = config["predict"].get("device", "auto")


wildcard_constraints:
    recording="|".join(RECORDINGS),


rule predict_recording:
    """Predict every turn of one recording, independently of the others."""
    input:
        manifest=str(BUNDLE / MANIFEST),
        files=lambda wildcards: RECORDINGS[wildcards.recording].files,
    output:
        # Beside them, named after the conversation: a page, and files for ELAN, Praat and players.
        turns="results/{name}/predict/{recording}/turns.parquet",
        lines="results/{name}/predict/{recording}/turns.jsonl",
    log:
        "results/{name}/logs/predict_recording/{recording}.log",
    benchmark:
        "results/{name}/benchmarks/predict_recording/{recording}.tsv"
    conda:
        "../../environment.yml"
    threads: 2
    resources:
        mem_mb=growing(3000),
        runtime=growing(240),
        gpu=0 if DEVICE == "cpu" or (DEVICE == "auto" and not has_gpu()) else 1,
    params:
        settings=lambda wildcards: {
            "recording": RECORDINGS[wildcards.recording].recording,
            "transcript": RECORDINGS[wildcards.recording].transcript,
            "form": TABLE_FORM,
            "device": DEVICE,
        },
        code=code_of("predict_recording.py"),
    script:
        "../scripts/predict_recording.py"


rule predict:
    """Every recording of the table: a target by name."""
    default_target: True
    input:
        expand(
            rules.predict_recording.output,
            name=config["predict"]["name"],
            recording=RECORDINGS,
        ),
    localrule: True
