"""Where tests find the stores that tools/stores.py has started."""

import json
import os
import uuid

import pytest

COMMIT = r"_delta_log/\d{20}\.json$"


class Place:
    """An empty place of a test's own in a store, and how to get there."""

    def __init__(self, name, facts):
        self.name = name
        self.endpoint = facts["endpoint"]
        self.url = f"{facts['root']}/{uuid.uuid4().hex[:12]}"
        self.options = facts["storage_options"]


def running_stores():
    """The stores' facts by name; none where the tests were not started by tools/stores.py."""
    file = os.environ.get("YUMMY_STORES")
    if not file:
        return {}
    with open(file, encoding="utf-8") as text:
        return json.load(text)


def on(*names):
    """Runs a test once in each of these stores."""
    return pytest.mark.parametrize("place", names, indirect=True)
