"""Places in the stores that tools/stores.py has started, and proxies before them."""

import pytest
from fault_proxy import FaultProxy
from places import Place, running_stores


@pytest.fixture
def place(request):
    """A place in the store that the test's parameter names."""
    stores = running_stores()
    if request.param not in stores:
        pytest.skip(f"skipped: {request.param} is not running; make test-stores starts it")
    return Place(request.param, stores[request.param])


@pytest.fixture
def proxy(place):
    with FaultProxy(place.endpoint) as running:
        yield running
