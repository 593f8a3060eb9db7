"""Asking for a person's erasure in a story, and looking for what is left."""

from cast import until

TABLES = "select table_name as name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE' order by 1"


async def found(fetch, *words):
    """The tables in which one of these words stands, in any column of any row."""
    places = set()
    for table in await fetch(TABLES):
        query = f"select 1 from {table['name']} t where exists (select from unnest(%s::text[]) w where position(w in t::text) > 0) limit 1"
        if await fetch(query, [list(words)]):
            places.add(table["name"])
    return places


async def rows_with(fetch, word):
    """Every row in which the word stands, by table."""
    rows = {}
    for table in await fetch(TABLES):
        query = f"select t::text as row from {table['name']} t where position(%s in t::text) > 0 order by 1"
        rows[table["name"]] = [row["row"] for row in await fetch(query, [word])]
    return {name: held for name, held in rows.items() if held}


def files_with(folder, word):
    """The files below a folder in whose bytes the word stands. What the sandbox keeps is WhatsApp's memory, not ours."""
    ours = [
        path
        for path in folder.rglob("*")
        if path.is_file() and not any(part.startswith("sandbox") for part in path.relative_to(folder).parts)
    ]
    return [path.name for path in ours if word.encode() in path.read_bytes()]


async def contact_of(lumen, name="Dana"):
    return (await lumen.conversation(name))["contact"]["id"]


async def erased(lumen, contact_id):
    """Ask for it, and wait for the files to be gone too; the report."""
    asked = await lumen.post(f"/contacts/{contact_id}/erase/", expect=202)

    async def finished():
        report = await lumen.get(f"/erasures/{asked['id']}/")
        return report if report["finishedAt"] else None

    return await until(finished, "the erasure is finished")
