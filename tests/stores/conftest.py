"""Places in the stores that tools/stores.py has started, and proxies before them."""

import pytest
from fault_proxy import FaultProxy
from places import place_in


@pytest.fixture
def place(request):
    """A fresh place in the store that the test's parameter names."""
    return place_in(request.param)


@pytest.fixture
def proxy(place):
    with FaultProxy(place.endpoint) as running:
        yield running


@pytest.fixture(scope="session")
def test_store():
    """These tests name their stores."""
    return "local"
