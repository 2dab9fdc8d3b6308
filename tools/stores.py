#!/usr/bin/env python3
"""Runs a command beside object stores of its own on loopback: S3, Azure, GCS.

    tools/stores.py [--only moto,azurite] -- COMMAND [ARGUMENT …]   runs the command, then stops the stores
    tools/stores.py [--only moto,azurite]                           prints the stores and runs until it is interrupted

The command finds a JSON file under the environment variable YUMMY_STORES: for each store its `root` (a bucket that is
there, such as s3://yummy), its `endpoint`, the `storage_options` that open it (by the names that deltalake uses), and
its `pid`. Ports are free ones. The stores end with this process, however that ends. `make setup-stores` brings
the programs, into build/stores.
"""

import argparse
import base64
import contextlib
import ctypes
import datetime
import hashlib
import hmac
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROGRAMS = ROOT / "build" / "stores"
NODE_MODULES = PROGRAMS / "npm" / "node_modules"
BUCKET = "yummy"
REGION = "us-east-1"
PORT_MIN = 10000
START_SECONDS_MAX = 180
STOP_SECONDS_MAX = 10
LOG_BYTES_SHOWN = 2000
PR_SET_PDEATHSIG = 1
# The account that every Azurite has; its key is in Azurite's documentation.
AZURE_ACCOUNT = "devstoreaccount1"
AZURE_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


class StoreError(Exception):
    """Ends the run with one message for a person."""


def free_ports(count):
    """Ports that are free now, and below those that the kernel gives to connections: a store that starts slowly still
    finds its own free."""
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    with contextlib.ExitStack() as stack:
        found = []
        while len(found) < count:
            candidate = stack.enter_context(socket.socket())
            with contextlib.suppress(OSError):
                candidate.bind(("127.0.0.1", random.randrange(PORT_MIN, lowest)))
                found.append(candidate.getsockname()[1])
        return found


# --- The stores -----------------------------------------------------------------------------------------------------


class S3:
    """What S3 stores share; a subclass says how its program starts."""

    scheme = "s3"
    keys = ("test", "testtest")

    def storage_options(self, endpoint):
        return {"AWS_ACCESS_KEY_ID": self.keys[0], "AWS_SECRET_ACCESS_KEY": self.keys[1], "AWS_REGION": REGION,
                "AWS_ALLOW_HTTP": "true", "AWS_ENDPOINT_URL": endpoint}

    def make_bucket(self, endpoint):
        ask(signed_for_s3(endpoint, f"/{BUCKET}", self.keys), allowed=(200, 409))
        ready = f"/{BUCKET}/.ready"  # a store may answer before it can keep an object
        ask(signed_for_s3(endpoint, ready, self.keys))
        ask(signed_for_s3(endpoint, ready, self.keys, "DELETE"))


class Moto(S3):
    def command(self, port, folder):
        return [PROGRAMS / "python" / "bin" / "python", ROOT / "tests" / "stores" / "moto_store.py", port]


class SeaweedFs(S3):
    """Checks signatures."""

    def command(self, port, folder):
        (folder / "s3.json").write_text(json.dumps({"identities": [{
            "name": "test", "actions": ["Admin", "Read", "Write", "List", "Tagging"],
            "credentials": [{"accessKey": self.keys[0], "secretKey": self.keys[1]}]}]}))
        (folder / "data").mkdir()
        parts = ("master.port", "master.port.grpc", "volume.port", "volume.port.grpc", "filer.port", "filer.port.grpc",
                 "s3.port.grpc")
        # Small volumes and no preallocation: else the disk is full after one bucket.
        return [PROGRAMS / "python" / "bin" / "weed", "-logdir", folder, "server", "-ip=127.0.0.1",
                "-ip.bind=127.0.0.1", f"-dir={folder / 'data'}", "-filer", "-s3", f"-s3.port={port}",
                f"-s3.config={folder / 's3.json'}", "-s3.port.iceberg=0", "-s3.port.lance=0",
                f"-s3.localSocket={folder / 's3.sock'}", f"-filer.localSocket={folder / 'filer.sock'}",
                "-volume.max=200", "-master.volumeSizeLimitMB=64", "-master.volumePreallocate=false",
                "-master.telemetry=false", *(f"-{part}={number}" for part, number in zip(parts, free_ports(len(parts))))]


class S3rver(S3):
    """Ignores the conditions of a put: a store that is not safe to commit to."""

    keys = ("S3RVER", "S3RVER")

    def command(self, port, folder):
        return ["node", NODE_MODULES / "s3rver" / "bin" / "s3rver.js", "-a", "127.0.0.1", "-p", port, "-d", folder]


class Azurite:
    """Checks signatures."""

    scheme = "az"

    def command(self, port, folder):
        return ["node", NODE_MODULES / "azurite" / "dist" / "src" / "blob" / "main.js", "--blobHost", "127.0.0.1",
                "--blobPort", port, "--skipApiVersionCheck", "--inMemoryPersistence", "--disableTelemetry", "--silent"]

    def storage_options(self, endpoint):
        return {"AZURE_STORAGE_ACCOUNT_NAME": AZURE_ACCOUNT, "AZURE_STORAGE_ACCOUNT_KEY": AZURE_KEY,
                "AZURE_STORAGE_ENDPOINT": f"{endpoint}/{AZURE_ACCOUNT}", "AZURE_ALLOW_HTTP": "true"}

    def make_bucket(self, endpoint):
        ask(signed_for_azure(endpoint, f"/{AZURE_ACCOUNT}/{BUCKET}"), allowed=(201, 409))


class GcsStub:
    scheme = "gs"

    def command(self, port, folder):
        return [sys.executable, ROOT / "tests" / "stores" / "gcs_stub.py", port]

    def storage_options(self, endpoint):
        account = {"gcs_base_url": endpoint, "disable_oauth": True, "client_email": "", "private_key": "",
                   "private_key_id": ""}
        return {"GOOGLE_SERVICE_ACCOUNT_KEY": json.dumps(account), "allow_http": "true"}

    def make_bucket(self, endpoint):
        ask(urllib.request.Request(f"{endpoint}/{BUCKET}", method="PUT"))


STORES = {"moto": Moto(), "seaweedfs": SeaweedFs(), "azurite": Azurite(), "gcs": GcsStub(), "s3rver": S3rver()}


# --- Requests that make a bucket ------------------------------------------------------------------------------------


def ask(request, allowed=(200, 204)):
    """Raises OSError for any answer but these."""
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            status, text = answer.status, b""
    except urllib.error.HTTPError as error:
        status, text = error.code, error.read(200)
    if status not in allowed:
        raise OSError(f"{request.get_method()} {request.full_url}: {status} {text.decode(errors='replace')}")


def hmac_sha256(key, text):
    return hmac.digest(key, text.encode(), "sha256")


def signed_for_s3(endpoint, path, keys, method="PUT"):
    """A request with no body, by Signature Version 4."""
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    body_hash = hashlib.sha256(b"").hexdigest()
    headers = {"host": endpoint.partition("//")[2], "x-amz-content-sha256": body_hash, "x-amz-date": now}
    names = ";".join(sorted(headers))
    lines = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
    canonical = f"{method}\n{path}\n\n{lines}\n{names}\n{body_hash}"
    scope = f"{now[:8]}/{REGION}/s3/aws4_request"
    key = f"AWS4{keys[1]}".encode()
    for word in scope.split("/"):
        key = hmac_sha256(key, word)
    to_sign = f"AWS4-HMAC-SHA256\n{now}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    headers["authorization"] = (f"AWS4-HMAC-SHA256 Credential={keys[0]}/{scope}, SignedHeaders={names}, "
                                f"Signature={hmac_sha256(key, to_sign).hex()}")
    return urllib.request.Request(endpoint + path, method=method, headers=headers)


def signed_for_azure(endpoint, path):
    """A request that makes a container, by Shared Key."""
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%a, %d %b %Y %H:%M:%S GMT")
    headers = {"x-ms-date": now, "x-ms-version": "2021-12-02"}
    lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
    to_sign = f"PUT{12 * chr(10)}{lines}/{AZURE_ACCOUNT}{path}\nrestype:container"
    headers["authorization"] = (f"SharedKey {AZURE_ACCOUNT}:"
                                f"{base64.b64encode(hmac_sha256(base64.b64decode(AZURE_KEY), to_sign)).decode()}")
    return urllib.request.Request(f"{endpoint}{path}?restype=container", method="PUT", headers=headers)


# --- Start and stop -------------------------------------------------------------------------------------------------


def end_with_parent():
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class Running:
    """A store's process. Its output is shown only when it does not start."""

    def __init__(self, name, folder):
        self.name = name
        self.store = STORES[name]
        folder.mkdir()
        (port,) = free_ports(1)
        self.endpoint = f"http://127.0.0.1:{port}"
        self.log_file = folder / "output.log"
        with open(self.log_file, "wb") as log:
            self.process = subprocess.Popen(
                [str(word) for word in self.store.command(port, folder)], cwd=folder, stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, preexec_fn=end_with_parent)

    def wait_until_ready(self):
        deadline = time.monotonic() + START_SECONDS_MAX
        while True:
            try:
                return self.store.make_bucket(self.endpoint)
            except OSError as error:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise StoreError(f"{self.name} did not start: {error}\n{self.last_words()}") from error
            time.sleep(0.2)

    def last_words(self):
        return self.log_file.read_bytes()[-LOG_BYTES_SHOWN:].decode(errors="replace")

    def facts(self):
        return {"root": f"{self.store.scheme}://{BUCKET}", "endpoint": self.endpoint,
                "storage_options": self.store.storage_options(self.endpoint), "pid": self.process.pid}

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(STOP_SECONDS_MAX)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


@contextlib.contextmanager
def running_stores(names):
    """Yields the facts of each store, {name: {"root", "endpoint", "storage_options", "pid"}}."""
    if not (PROGRAMS / "npm" / ".stamp").is_file():
        raise StoreError("the stores are not here yet: make setup-stores")
    with tempfile.TemporaryDirectory(prefix="stores-", ignore_cleanup_errors=True) as scratch, \
            contextlib.ExitStack() as stack:
        running = []
        for name in names:  # all start before one is waited for
            running.append(Running(name, Path(scratch) / name))
            stack.callback(running[-1].stop)
        for each in running:
            each.wait_until_ready()
        yield {each.name: each.facts() for each in running}


def stop_on_signal(number, _frame):
    raise SystemExit(128 + number)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(STORES), help="which stores, with commas; default: %(default)s")
    parser.add_argument("command", nargs="*")
    arguments = parser.parse_args()
    names = arguments.only.split(",")
    if unknown := [name for name in names if name not in STORES]:
        raise StoreError(f"there is no store {unknown[0]}: choose from {', '.join(STORES)}")
    signal.signal(signal.SIGTERM, stop_on_signal)
    with running_stores(names) as facts, tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(facts, file)
        file.flush()
        if arguments.command:
            return subprocess.run(arguments.command, env={**os.environ, "YUMMY_STORES": file.name}, check=False).returncode
        print(json.dumps(facts, indent=2))
        print(f"YUMMY_STORES={file.name}", flush=True)
        signal.pause()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except StoreError as error:
        sys.exit(f"stores: {error}")
    except KeyboardInterrupt:
        pass
