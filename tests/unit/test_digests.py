"""A flipped bit in an artifact is noticed, wherever it is, by whoever reads the file."""

import json
import os
import random
from base64 import urlsafe_b64encode

import numpy as np
import pandas as pd
import pytest
import xxhash

from cberl import digests
from cberl.artifacts import (
    read_batches,
    read_header,
    read_matrix,
    read_table,
    read_tensor_header,
    read_tensors,
    write_page,
    write_table,
    write_tensors,
)
from cberl.digests import check_digest, find_rule, put_digest, read_checked
from cberl.errors import InputError
from cberl.features.tables import FEATURES
from cberl.provenance import describe_job

ORIGIN = {"rule": "gather_features", "inputs": {"results/a.parquet": "xxh3_128:" + "1" * 32}}
FLIPS = 60


def write_features(path):
    frame = pd.DataFrame(
        {
            "utterance_id": [f"train/0/{number}" for number in range(40)],
            "available": True,
            "is_synthetic": False,
        }
    )
    write_table(path, FEATURES, frame, ORIGIN, {"features": np.random.rand(40, 9)})


def write_model(path):
    write_tensors(path, "gan", {"w": np.random.rand(30, 9)}, ORIGIN, {"classes": ["joy"]})


ARTIFACTS = {
    "text.parquet": write_features,
    "gan.safetensors": write_model,
    "index.html": lambda path: write_page(path, "<p>joy</p>\n" * 50),
    "verdict.txt": lambda path: write_page(path, "joy\n" * 50),
}
READERS = {
    "text.parquet": [
        lambda path: read_table(path, FEATURES),
        lambda path: read_matrix(path, "features"),
        lambda path: list(read_batches(path, FEATURES, 5, ["available"])),
        read_header,
    ],
    "gan.safetensors": [lambda path: read_tensors(path, "gan"), read_tensor_header],
}


def flip(path, whole, bit):
    broken = bytearray(whole)
    broken[bit // 8] ^= 1 << bit % 8
    path.write_bytes(broken)


@pytest.mark.parametrize("name", ARTIFACTS)
def test_one_flipped_bit_is_noticed_wherever_it_is(tmp_path, name):
    path = tmp_path / name
    ARTIFACTS[name](path)
    whole = path.read_bytes()
    check_digest(path)
    bits = random.Random(0).sample(range(8 * len(whole)), FLIPS)
    # The ends hold what says where the digest is.
    bits += [*range(64), *range(8 * len(whole) - 64, 8 * len(whole))]
    for bit in bits:
        flip(path, whole, bit)
        for read in [check_digest, *READERS.get(name, [])]:
            with pytest.raises(InputError, match="broken") as caught:
                read(path)
            assert str(caught.value).startswith(str(path))
            assert "\n" not in str(caught.value)
    path.write_bytes(whole)
    check_digest(path)


@pytest.mark.parametrize("name", ["text.parquet", "gan.safetensors"])
@pytest.mark.parametrize("share", [0, 0.3, 0.9, 0.999])
def test_a_file_that_is_cut_short_is_broken(tmp_path, name, share):
    path = tmp_path / name
    ARTIFACTS[name](path)
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    for read in READERS[name]:
        with pytest.raises(InputError, match="broken"):
            read(path)


def test_the_rule_that_makes_a_broken_file_again_is_named(tmp_path):
    path = tmp_path / "text.parquet"
    write_features(path)
    flip(path, path.read_bytes(), 8 * 300)
    with pytest.raises(InputError, match="remove it and rule gather_features makes it again"):
        check_digest(path)


def test_the_rule_of_a_file_without_its_end_is_known_from_snakemake(tmp_path):
    path = tmp_path / "results/text.parquet"
    write_features(path)
    records = tmp_path / ".snakemake/metadata"
    records.mkdir(parents=True)
    record = records / urlsafe_b64encode(b"results/text.parquet").decode()
    record.write_text(json.dumps({"rule": "import_features"}))
    path.write_bytes(path.read_bytes()[:300])
    assert find_rule(path) == "import_features"
    with pytest.raises(InputError, match="rule import_features makes it again"):
        read_table(path, FEATURES)


def test_the_digest_is_of_the_whole_file_with_zeros_in_its_place(tmp_path):
    """So that it can be checked without this package."""
    path = tmp_path / "text.parquet"
    write_features(path)
    digits = check_digest(path).removeprefix("xxh3_128:")
    content = path.read_bytes()
    assert content.count(digits.encode()) == 1
    zeroed = content.replace(digits.encode(), b"0" * 32)
    assert xxhash.xxh3_128(zeroed).hexdigest() == digits


def test_a_file_that_changes_after_it_was_checked_is_checked_again(tmp_path):
    path = tmp_path / "text.parquet"
    write_features(path)
    check_digest(path)
    whole, before = path.read_bytes(), path.stat()
    flip(path, whole, 8 * 300)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    with pytest.raises(InputError, match="broken"):
        check_digest(path)


def test_a_text_that_looks_like_a_place_for_the_digest_is_refused(tmp_path):
    classes = {"classes": ["cberl_digest: xxh3_128:" + "0" * 32]}
    with pytest.raises(InputError, match="2 places for a digest"):
        write_tensors(tmp_path / "m.safetensors", "gan", {"w": np.ones(1)}, ORIGIN, classes)
    assert list(tmp_path.iterdir()) == []


def test_a_file_without_a_place_for_a_digest_gets_none(tmp_path):
    (tmp_path / "raw.csv").write_text("a,b\n")
    with pytest.raises(InputError, match="0 places for a digest"):
        put_digest(tmp_path / "raw.csv")


def test_a_job_checks_its_inputs_and_records_their_own_digests(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "results/text.parquet"
    write_features(path)
    told = describe_job("fit_scaler", {}, {}, "c0de", None, ["results/text.parquet"])
    assert told["inputs"] == {"results/text.parquet": check_digest(path)}
    flip(path, path.read_bytes(), 8 * 500)
    with pytest.raises(InputError, match=r"^results/text\.parquet: broken"):
        describe_job("fit_scaler", {}, {}, "c0de", None, ["results/text.parquet"])


@pytest.mark.parametrize("name", ARTIFACTS)
def test_what_is_read_while_it_is_checked_is_the_file(tmp_path, name, monkeypatch):
    monkeypatch.setattr(digests, "_AT_ONCE", 100)
    path = tmp_path / name
    ARTIFACTS[name](path)
    assert read_checked(path).tobytes() == path.read_bytes()
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 4
    path.write_bytes(content)
    with pytest.raises(InputError, match="broken"):
        read_checked(path)
