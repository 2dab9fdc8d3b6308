#!/usr/bin/env python3
"""Builds the crate of yummy/store/cloud from exactly the crates that third_party/crates.txt names.

    tools/crates.py fetch    Cargo.lock, checked against crates.txt, and the sources of the crates
    tools/crates.py build    the static library: build/cloud/release/libyummy_cloud.a
    tools/crates.py test     the crate's own tests
    tools/crates.py pin      writes crates.txt from what Cargo resolves now

No lock file is in the repository. One is made here: Cargo resolves, what it resolves is moved to the versions of
crates.txt, and every version and checksum is compared; a difference ends the run. Everything after that is `--locked`.
"""

import fcntl
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CRATE = ROOT / "yummy" / "store" / "cloud"
MANIFEST = CRATE / "Cargo.toml"
LOCK = CRATE / "Cargo.lock"
PINS = ROOT / "third_party" / "crates.txt"
TARGET = ROOT / "build" / "cloud"
CARGO_MIN = (1, 85)
ROUNDS_MAX = 10
HEADER = """\
# The crates behind yummy/store/cloud: name, version, sha256 of the archive. Written by `tools/crates.py pin`; a crate with
# another version or checksum ends the build.
"""


class CrateError(Exception):
    """Ends the run with one message for a person."""


def check_cargo():
    wish = (f"Stores in the cloud need Cargo {CARGO_MIN[0]}.{CARGO_MIN[1]} or newer (Debian 12: cargo-web). "
            "Without it, build with YUMMY_CLOUD=OFF: such a program refuses their URLs.")
    if not shutil.which("cargo"):
        raise CrateError(f"there is no cargo on the path. {wish}")
    text = run(["--version"], capture=True)
    found = re.match(r"cargo (\d+)\.(\d+)", text)
    if not found or tuple(map(int, found.groups())) < CARGO_MIN:
        raise CrateError(f"found {text.strip()}. {wish}")


def run(arguments, capture=False, check=True):
    environment = {**os.environ, "CARGO_TARGET_DIR": str(TARGET)}
    done = subprocess.run(["cargo", *arguments], cwd=CRATE, env=environment, stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.PIPE if capture else None, stderr=subprocess.STDOUT if capture else None,
                          check=False)
    if check and done.returncode != 0:
        raise CrateError(f"this command failed: cargo {' '.join(arguments)}\n{done.stdout or ''}".rstrip())
    return done.stdout or ""


def read_pins():
    lines = [line.split() for line in PINS.read_text().splitlines() if line and not line.startswith("#")]
    return {(name, version): checksum for name, version, checksum in lines}


def read_lock():
    """What Cargo has resolved; packages without a checksum are our own."""
    packages = tomllib.loads(LOCK.read_text())["package"] if LOCK.exists() else []
    return {(package["name"], package["version"]): package["checksum"] for package in packages if "checksum" in package}


def is_compatible(one, other):
    """Whether Cargo may take one version for the other: the first number that is not 0 is the same."""
    def significant(version):
        numbers = version.split("+")[0].split("-")[0].split(".")
        return next((numbers[:i + 1] for i, number in enumerate(numbers) if number != "0"), numbers)
    return significant(one) == significant(other)


def lock():
    """Makes Cargo.lock as crates.txt has it, if it is not so already."""
    pins = read_pins()
    # The crate's own wishes stand in the lock file, too: it is as old as what it was made of.
    if read_lock() == pins and LOCK.stat().st_mtime_ns >= max(MANIFEST.stat().st_mtime_ns, PINS.stat().st_mtime_ns):
        return
    run(["generate-lockfile", "--quiet"])
    for _ in range(ROUNDS_MAX):
        locked = read_lock()
        moves = [(name, version, pinned) for name, version in locked if (name, version) not in pins
                 for other, pinned in pins if other == name and (name, pinned) not in locked and is_compatible(version, pinned)]
        if not moves:
            break
        for name, version, pinned in moves:
            # One that another crate does not let go yet may go in the next round.
            run(["update", "--quiet", f"{name}@{version}", "--precise", pinned], capture=True, check=False)
    compare(read_lock(), pins)
    LOCK.touch()


def compare(locked, pins):
    differences = [f"{name} {version}: expected {checksum}, found {locked.get((name, version), 'none')}"
                   for (name, version), checksum in pins.items() if locked.get((name, version)) != checksum]
    differences += [f"{name} {version}: not expected" for name, version in locked if (name, version) not in pins]
    if differences:
        LOCK.unlink()
        raise CrateError(f"Cargo resolves other crates than {PINS.name} names:\n  " + "\n  ".join(sorted(differences)))


def pin():
    run(["generate-lockfile"])
    lines = [f"{name} {version} {checksum}" for (name, version), checksum in sorted(read_lock().items())]
    PINS.write_text(HEADER + "\n" + "\n".join(lines) + "\n")


def main(arguments):
    part = arguments[0] if len(arguments) == 1 else ""
    if part not in ("fetch", "build", "test", "pin"):
        raise CrateError(f"unknown arguments {arguments}\n{__doc__}")
    check_cargo()
    TARGET.mkdir(parents=True, exist_ok=True)
    with open(TARGET / ".crates.lock", "w", encoding="utf-8") as one_at_a_time:
        fcntl.flock(one_at_a_time, fcntl.LOCK_EX)
        if part == "pin":
            pin()
            return
        lock()
        if part == "fetch":
            run(["fetch", "--locked", "--quiet"])
        else:
            run([part, "--release", "--locked", "--quiet"])


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except CrateError as error:
        sys.exit(f"crates: {error}")
