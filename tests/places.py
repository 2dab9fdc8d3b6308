"""Where tests keep tables: a folder on local disk, or a place in a store that tools/stores.py has started."""

import fnmatch
import json
import os
import uuid

import pytest
from deltalake import DeltaTable, write_deltalake
from obstore.store import LocalStore, from_url


class Place:
    """A folder of a test's own in a store, which may not be there yet, and how to get there."""

    def __init__(self, url, options=None, endpoint=None, name="local"):
        self.url = str(url)
        self.options = options  # storage_options; None: local disk
        self.endpoint = endpoint
        self.name = name  # of the store

    def __truediv__(self, name):
        return Place(f"{self.url}/{name}", self.options, self.endpoint, self.name)

    @property
    def is_local(self):
        return self.options is None

    def config(self, options=None):
        """The entry of a configuration file for a store here; `options` instead of the place's own."""
        if self.is_local:
            return {"path": self.url}
        return {"path": self.url, "storage_options": options or self.options}

    # The objects.

    def client(self):
        if self.is_local:
            return LocalStore(self.url, mkdir=True)
        names = {name: value for name, value in self.options.items() if not name.lower().endswith("allow_http")}
        return from_url(self.url, config=names, client_options={"allow_http": True})

    def states(self, pattern="*"):
        """Each object whose name matches, as (path, size, time of its last change), sorted."""
        listed = (meta for page in self.client().list() for meta in page)
        return sorted((meta["path"], meta["size"], meta["last_modified"]) for meta in listed
                      if fnmatch.fnmatch(meta["path"].rpartition("/")[2], pattern))

    def paths(self, pattern="*"):
        return [path for path, _, _ in self.states(pattern)]

    def read(self, path):
        return bytes(self.client().get(path).bytes())

    def write(self, path, data):
        self.client().put(path, data)

    def delete(self, path):
        self.client().delete(path)

    # The table, by deltalake.

    def delta(self, **options):
        return DeltaTable(self.url, storage_options=self.options, **options)

    def write_table(self, table, **options):
        write_deltalake(self.url, table, storage_options=self.options, **options)


def running_stores():
    """The stores' facts by name; none where the tests were not started by tools/stores.py."""
    file = os.environ.get("YUMMY_STORES")
    if not file:
        return {}
    with open(file, encoding="utf-8") as text:
        return json.load(text)


def place_in(name):
    """A fresh place in a running store."""
    stores = running_stores()
    if name not in stores:
        pytest.skip(f"skipped: {name} is not running; make test-stores starts it")
    facts = stores[name]
    return Place(f"{facts['root']}/{uuid.uuid4().hex[:12]}", facts["storage_options"], facts["endpoint"], name)


def place_for(store, folder):
    """A fresh place in a store: the folder, where that is `local`."""
    if store == "local":
        folder.mkdir(parents=True, exist_ok=True)
        return Place(folder)
    return place_in(store)


def on(*names):
    """Runs a test once in each of these stores, with the fixture `place`."""
    return pytest.mark.parametrize("place", names, indirect=True)
