"""Runs that die need a nursery of servers and a template with witnesses in it, once for each worker of pytest."""

from uuid import uuid4

import psycopg
import pytest
from tests.crash.places import drop
from tests.crash.processes import Nursery
from tests.crash.running import Stage
from tests.crash.witness import WITNESS


@pytest.fixture(scope="session")
def nursery():
    nursery = Nursery()
    yield nursery
    nursery.close()


@pytest.fixture(scope="session")
def witnessed(server):
    """The name of a template database that keeps what its rows were."""
    name = f"witnessed_{uuid4().hex}"
    server.execute(f"create database {name} template dragoman_template strategy file_copy")
    with psycopg.connect(f"postgresql://{server.info.user}@/{name}?host={server.info.host}", autocommit=True) as connection:
        connection.execute(WITNESS)
    yield name
    drop(server, name)


@pytest.fixture
def stage(server, witnessed, nursery):
    return Stage(server, witnessed, nursery)
