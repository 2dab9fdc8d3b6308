"""Sixteen clients race for each version by put-if-absent: one of them wins, on every store; and on one that ignores the
condition the race shows it."""

import os
import subprocess
from pathlib import Path

from places import Place, on

PROGRAM = Path(os.environ["YUMMY_PROGRAM"]).parent.parent / "store" / "create_race_benchmark"
CLIENTS = 16
VERSIONS = {"small": 100, "whole": 1000}
VERSIONS_ON_SEAWEEDFS = {"small": 5, "whole": 50}  # it needs seconds for each


def race(place, versions, capsys):
    options = [f"{name}={value}" for name, value in (place.options or {}).items()]
    done = subprocess.run([PROGRAM, str(CLIENTS), str(versions), place.url, *options], capture_output=True, text=True, timeout=1500, check=False)
    with capsys.disabled():
        print(f"\n{place.name}: {done.stdout[-500:].strip()}")
    return done


def versions_for(name):
    counts = VERSIONS_ON_SEAWEEDFS if name == "seaweedfs" else VERSIONS
    return counts[os.environ.get("YUMMY_TEST_SIZE", "whole")]


@on("moto", "azurite", "gcs", "seaweedfs")
def test_each_version_has_one_winner(place, capsys):
    assert race(place, versions_for(place.name), capsys).returncode == 0


def test_each_version_has_one_winner_on_local_disk(tmp_path, capsys):
    assert race(Place(tmp_path), versions_for("local"), capsys).returncode == 0


@on("s3rver")
def test_a_store_without_conditions_has_many_winners(place, capsys):
    done = race(place, 20, capsys)
    assert done.returncode == 1 and "20 versions" in done.stdout
