"""A small run of the fuzz of functions, always the same: `make function-fuzz` does more, of another seed each time."""

import os
import subprocess
import sys
from pathlib import Path

SEED = 1
CALLS = 600


def test_no_function_ends_the_server():
    run = subprocess.run([sys.executable, str(Path(__file__).with_name("fuzz.py")), "--seed", str(SEED), "--calls", str(CALLS)],
                         env=os.environ, capture_output=True, text=True, timeout=600)
    assert run.returncode == 0, run.stdout + run.stderr
