"""One database for all runs of one worker of pytest."""

import pytest
from tests.simulation.ground import Ground, fresh


@pytest.fixture(scope="session")
def ground(server):
    name = fresh(server, "dragoman_template")
    ground = Ground(f"postgresql://{server.info.user}@/{name}?host={server.info.host}")
    yield ground
    ground.close()
    server.execute(f"drop database {name} with (force)")
