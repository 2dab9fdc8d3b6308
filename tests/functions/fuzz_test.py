"""A small run of the fuzz of functions: `make function-fuzz` does more."""

import os
import subprocess
import sys
from pathlib import Path

SECONDS = 40


def test_no_function_ends_the_server():
    run = subprocess.run([sys.executable, str(Path(__file__).with_name("fuzz.py")), "--calls", "1000", "--seconds", str(SECONDS)],
                         env=os.environ, capture_output=True, text=True, timeout=600)
    assert run.returncode == 0, run.stdout + run.stderr
