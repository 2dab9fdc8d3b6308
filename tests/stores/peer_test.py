"""The proxy really loses answers: deltalake 1.6.6, through it, is wrong about a commit whose answer is lost."""

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake
from deltalake.exceptions import DeltaError
from fault_proxy import COMMIT
from places import on

ROWS = pa.table({"id": pa.array(range(10), pa.int64()), "value": pa.array(range(10), pa.int64())})


def operations(url, options):
    return {
        "append": lambda: write_deltalake(url, ROWS, mode="append", storage_options=options),
        "overwrite": lambda: write_deltalake(url, ROWS, mode="overwrite", storage_options=options),
        "delete": lambda: DeltaTable(url, storage_options=options).delete("id < 5"),
        "update": lambda: DeltaTable(url, storage_options=options).update({"value": "value + 100"}),
        "optimize": lambda: DeltaTable(url, storage_options=options).optimize.compact(),
        "create": lambda: DeltaTable.create(url, ROWS.schema, storage_options=options),
    }


OPERATIONS = list(operations("", {}))


def attempt(place, proxy, operation, **fault):
    """Runs an operation whose commit goes wrong once. Returns (acknowledged, how many versions it made)."""
    versions = 0
    if operation != "create":
        for _ in range(2):
            write_deltalake(place.url, ROWS, mode="append", storage_options=place.options)
        versions = 2
    proxy.inject(method="PUT", path=COMMIT, times=1, **fault)
    acknowledged = True
    try:
        operations(place.url, proxy.through(place.options))[operation]()
    except (DeltaError, OSError):
        acknowledged = False
    assert len([each for each in proxy.requests() if each["fault"]]) == 1
    return acknowledged, DeltaTable(place.url, storage_options=place.options).version() + 1 - versions


@on("moto")
@pytest.mark.parametrize("operation", OPERATIONS)
def test_is_right_when_the_store_refuses(place, proxy, operation):
    assert attempt(place, proxy, operation, kind="status", status=503, applied=False) == (True, 1)


@on("moto")
@pytest.mark.parametrize("fault", ["status", "reset"])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_is_wrong_when_the_answer_is_lost(place, proxy, operation, fault):
    acknowledged, versions = attempt(place, proxy, operation, kind=fault)
    assert (acknowledged, versions) in ((True, 2), (False, 1)), "deltalake is right: this proxy loses nothing"
