"""Programs that several test modules talk to, started once for a session."""

from collections.abc import Iterator

import pytest

from tests.hub.loyalty.outreach.peers.hooks import listening
from tests.hub.loyalty.outreach.peers.kannel import KannelPeer, kannel
from tests.hub.loyalty.outreach.peers.smpp import Operator, operator


@pytest.fixture(scope="session")
def smsc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    """An operator that speaks SMPP."""
    with operator(tmp_path_factory.mktemp("operator")) as started:
        yield started


@pytest.fixture(scope="session")
def gateway(tmp_path_factory: pytest.TempPathFactory, smsc: Operator) -> Iterator[KannelPeer]:
    """Kannel, connected to fakesmsc and to that operator."""
    folder = tmp_path_factory.mktemp("kannel")
    with listening() as hooks, kannel(folder, hooks, smsc.port) as started:
        yield started
