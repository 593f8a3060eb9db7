"""No statement reads through a table that grows: each of them is explained on a database that has grown, as PostgreSQL would run it.

The statements are those of the modules themselves, so a new one is explained too, or says in `asking` what its values are. Both kinds of
plan are looked at: one for the values at hand, and the one that a connection keeps for all values once it has seen a statement often.
"""

import re
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from tests.store.asking import LUMEN, variants
from tests.store.explaining import PLANS, explain, readings
from tests.store.filled import TABLES, fill, growing

import dragoman
from dragoman.store.database import HOT_OPTIONS

ROWS = 10_000

# What `Database.hot` runs, with plans that are always kept.
HOT = {"inbox_queries.RECEIVE", "inbox_queries.STATUSES", "queries.CLAIM", "queries.CLAIM_FAIRLY", "queries.RECORD", "queries.SETTLE"}

_COUNTS = "says how many there are of what the list holds, which nothing but counting tells; only for a page that is full"
_BY_HAND = "a person of the business changes all of these conversations, at once and once"

EXCEPTIONS = {
    "reading_queries.COUNT_CONVERSATIONS": _COUNTS,
    "contacts_queries.COUNT": _COUNTS,
    "campaigns.queries.COUNT": _COUNTS,
    "campaigns.queries.SUPPRESSED": _COUNTS,
    "agents.queries.TOTALS": "the page of all agents says how many conversations each has",
    "agents.knowledge.documents_queries.FULLNESS": "an upload asks how much there is of an organisation's documents, which has a bound",
    "agents.knowledge.indexing_queries.DELETE_OTHER_VECTORS": "vectors have indexes of their own, which a search test measures",
    "agents.knowledge.indexing_queries.KNOWN_VECTORS": "vectors have indexes of their own, which a search test measures",
    "campaigns.queries.CANCEL_WAITING": "a person stops a campaign: what waits in the outbox is looked through, once",
    "erasing_queries.COUNT": _COUNTS,
    "erasing_rest_queries.KNOWN": "a command prints everybody who was ever erased",
    "ownership_queries.RETIRE_AGENT": _BY_HAND,
    "ownership_queries.ROUTE_NUMBER": _BY_HAND,
    "cli.backup_queries.AT_REST": "a command asks, of a server that is stopped",
}


@pytest.fixture(scope="module")
def filled(server):
    name = f"filled_{uuid4().hex}"
    server.execute(f"create database {name} template dragoman_template strategy file_copy")
    with psycopg.connect(f"postgresql://{server.info.user}@/{name}?host={server.info.host}", autocommit=True) as connection:
        fill(connection, ROWS)
        yield connection
    server.execute(f"drop database {name} with (force)")


def names_of(text, tables):
    return any(f" {table} " in f"{text} ".replace("\n", " ").replace("(", " ") for table in tables)


def found(connection, name, text, values, tables):
    hot = name in HOT
    for option in HOT_OPTIONS.replace("-c ", "").split() if hot else ():
        connection.execute(f"set {option.replace('=', ' = ')}")
    for kind in PLANS[1:] if hot else PLANS:
        for reading in readings(explain(connection, text, values, kind), tables):
            yield f"{name} ({kind.split('_')[1]}) reads {reading.table}: {reading.how}"
    connection.execute("reset all")


def test_no_statement_reads_through_a_table_that_grows(filled):
    tables = growing(filled)
    asked = {name: both for name, both in variants().items() if names_of(both[0], tables)}
    read = {name: set(found(filled, name, text, values, tables)) for name, (text, values) in sorted(asked.items())}
    wrong = {name: lines for name, lines in read.items() if lines and name.split()[0] not in EXCEPTIONS}
    assert wrong == {}
    needed = {name.split()[0] for name, lines in read.items() if lines}
    assert set(EXCEPTIONS) - needed == {name for name in EXCEPTIONS if name.endswith("_VECTORS") and "passage_vectors" not in tables}
    assert len(asked) > 150, "the statements are not where they were"


def test_every_table_is_a_setting_or_has_grown(filled):
    assert growing(filled) - {name.strip() for name in TABLES} <= {"passage_vectors"}, "fill it in `filled`, or say that it is a setting"


def test_what_is_hot_is_what_runs_hot():
    source = "".join(path.read_text() for path in Path(dragoman.__path__[0]).rglob("*.py"))
    calls = re.findall(r"\.hot\(\s*(\w+\.\w+(?: if \w+ else \w+\.\w+)?)", source)
    assert set(re.findall(r"\.([A-Z_]+)", " ".join(calls))) == {name.split(".")[1] for name in HOT}


READ_THROUGH = {
    "select * from messages where organisation_id = %(o)s and cause = 'x'": "of an organisation",
    "select * from messages where cause = 'x'": "row by row",
    "select * from wakeups where state = 'pending' and instruction = 'x'": "of an organisation",
    "select * from conversations where organisation_id = %(o)s order by created_at limit 5": "of an organisation",
    "select * from contacts where lower(phone) = 'x'": "row by row",
}


def test_a_statement_that_reads_a_table_through_is_seen(filled):
    filled.execute("set enable_bitmapscan = off")
    for text, how in READ_THROUGH.items():
        filled.execute("reset enable_seqscan" if how == "row by row" else "set enable_seqscan = off")
        found = readings(explain(filled, text, {"o": LUMEN}, PLANS[0]), growing(filled))
        assert [reading.how.endswith(how) for reading in found] == [True], (text, found)
    filled.execute("reset all")


def test_a_page_of_a_list_is_no_reading_through(filled):
    text = "select * from conversations where organisation_id = %(o)s order by last_message_at desc, id desc limit 5"
    assert readings(explain(filled, text, {"o": LUMEN}, PLANS[0]), growing(filled)) == set()
