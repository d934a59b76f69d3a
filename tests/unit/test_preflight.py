"""Problems that would stop a run halfway are reported before it starts."""

import os
import time
from pathlib import Path

import pytest

from cberl.errors import InputError
from cberl.preflight import check_dates, check_names, check_readable, check_writable


def test_a_folder_that_can_be_written_to_is_left_as_it_was(tmp_path):
    check_writable(tmp_path)
    check_writable(tmp_path / "not/yet/there")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_to_is_named_with_the_cause():
    with pytest.raises(InputError, match=r"^/proc: cannot be written to: "):
        check_writable("/proc/nowhere")


def test_a_file_that_is_gone_or_no_file_is_named_with_the_cause(tmp_path):
    (tmp_path / "here.csv").write_text("a")
    check_readable([tmp_path / "here.csv"])
    with pytest.raises(InputError, match=r"gone\.csv: cannot be read: No such file"):
        check_readable([tmp_path / "here.csv", tmp_path / "gone.csv"])


@pytest.mark.parametrize("name", ["{odd}/a.csv", "a}b", "{"])
def test_braces_in_a_path_are_refused(name):
    check_names(["plain", Path("a b")])
    with pytest.raises(InputError, match="has braces in its path, which Snakemake takes for wild"):
        check_names(["plain", Path(name)])


def test_a_file_from_the_future_is_named_with_both_dates(tmp_path):
    path = tmp_path / "here.csv"
    path.write_text("a")
    os.utime(path, (time.time() + 30, time.time() + 30))
    check_dates([path])
    os.utime(path, (4102444800, 4102444800))
    with pytest.raises(InputError, match=r"dated 2100-01-01 00:00 UTC, in the future.*UTC\); set"):
        check_dates([path])
