"""How PostgreSQL means to run a statement, and what is wrong with that on tables that have grown."""

import json
import re
from dataclasses import dataclass

from psycopg import sql
from psycopg._queries import PostgresQuery  # the statement as it goes to the server; there is no public way to it
from psycopg.adapt import Transformer

# Under these nodes rows are taken one by one, so that a limit above them ends the reading.
LAZY = {"Limit", "Nested Loop", "LockRows", "Subquery Scan", "Append", "Result", "ModifyTable", "Incremental Sort", "Merge Append"}
SCANS = {"Index Scan", "Index Only Scan", "Bitmap Index Scan"}
PLANS = ("force_custom_plan", "force_generic_plan")


@dataclass(frozen=True)
class Reading:
    """One place of a plan at which a table is read without saying which rows."""

    table: str
    how: str


def explain(connection, text, params, mode):
    """The plan for these values, or the one that is kept for all values; as PostgreSQL would make it for our driver's call."""
    query = PostgresQuery(Transformer(connection))
    query.convert(text, params)
    connection.execute(f"set plan_cache_mode = {mode}")
    connection.pgconn.prepare(b"asked", query.query, query.types)
    values = sql.SQL(", ").join(sql.Literal(params[name]) for name in query._order or [])
    arguments = sql.SQL("({})").format(values) if query._order else sql.SQL("")
    plan = connection.execute(sql.SQL("explain (format json, verbose) execute asked") + arguments).fetchone()[0]
    connection.execute("deallocate asked")
    return (plan if isinstance(plan, list) else json.loads(plan))[0]["Plan"]


def readings(plan, tables):
    """Where the plan reads more of a growing table than it has to: all of it, or all that an organisation has."""
    found = set()
    _walk(plan, tables, False, None, found)
    return found


def _walk(node, tables, limited, heap, found):
    """`limited`: rows of this node are taken until there are enough. `heap`: the table of the bitmap scan above."""
    kind, table = node["Node Type"], node.get("Relation Name") or heap
    if table in tables and kind == "Seq Scan":
        found.add(Reading(table, "all of it, row by row"))
    if table in tables and kind in SCANS and not limited and not _narrow(node):
        found.add(Reading(table, f"all that {node['Index Name']} has of an organisation"))
    ends = kind == "Limit" or (limited and kind in LAZY)
    for child in node.get("Plans", ()):
        first = child["Parent Relationship"] in ("Outer", "Member", "Subquery")
        _walk(child, tables, ends and first, table if kind.startswith("Bitmap") else None, found)


def _narrow(node):
    """Does the condition on the index name more than the organisation?"""
    condition = node.get("Index Cond", "")
    columns = set(re.findall(r"(\w+)\)?(?:::\w+\)?)? (?:=|<|>|>=|<=|@@|<@) ", re.sub(r"'[^']*'", "''", condition)))
    columns = {column for column in columns if not column.isdigit()} - {"organisation_id"}
    return bool(columns)
