"""A hundred thousand passages that mean nothing, so that a search has much to leave out.

Nearly half of their words are function words, a quarter comes from the real corpus, so that questions meet them everywhere, and the
rest from a made-up vocabulary in which, as in every language, few words are frequent and most are rare.
"""

import itertools
import random
import re
from collections import Counter

from hashing import Hashing

from dragoman.agents.knowledge.function_words import FUNCTION_WORDS
from dragoman.agents.knowledge.words import lexemes, stem
from dragoman.ids import new_id

WORDS = 230
PER_DOCUMENT = 100
SYLLABLES = re.findall(r"\w+", "ba ke ro li mi tan ver son pol gri du che fa nor wes ti qua lo hen mar sti fle go pra zu")


def vocabulary(size, rnd):
    made = set()
    while len(made) < size:
        made.add("".join(rnd.choices(SYLLABLES, k=rnd.choice([2, 2, 3, 3, 4]))))
    return sorted(made, key=lambda word: hash_of(word))


def hash_of(word):
    return random.Random(word).random()


def texts(count, corpus_words, seed=7):
    rnd = random.Random(seed)
    made_up = vocabulary(40_000, rnd)
    cumulated = list(itertools.accumulate(1 / (n + 2.7) ** 1.05 for n in range(len(made_up))))
    empty = sorted(FUNCTION_WORDS["en"])
    for _ in range(count):
        words = rnd.choices(empty, k=int(WORDS * 0.45)) + rnd.choices(corpus_words, k=int(WORDS * 0.25))
        words += rnd.choices(made_up, cum_weights=cumulated, k=WORDS - len(words))
        rnd.shuffle(words)
        yield " ".join(words[:4]), " ".join(words[4:])


async def fill(db, organisation_id, base_id, count, corpus_words, clock):
    """Put the crowd beside what is in the base already: straight into the tables, as the job would."""
    embedder, counted, document_id = Hashing(), Counter(), None
    passages, vectors, documents = [], [], []
    for n, (heading, text) in enumerate(texts(count, corpus_words)):
        if n % PER_DOCUMENT == 0:
            document_id = new_id()
            documents.append((organisation_id, document_id, base_id, "Crowd", "page", "ready", 1, clock.now(), clock.now()))
        tsv, words = lexemes(base_id, heading, text)
        counted.update(words)
        place = (organisation_id, document_id, 1, n % PER_DOCUMENT, base_id)
        passages.append((*place, heading, text, len(text) // 4, tsv))
        vectors.append((*place, embedder.model, embedder.dims, str(embedder.vector(f"{heading} {text}"))))
    async with db.transaction() as connection:
        await copy(
            connection, "documents (organisation_id, id, knowledge_base_id, name, kind, state, version, created_at, updated_at)", documents
        )
        columns = "(organisation_id, document_id, version, position, knowledge_base_id"
        await connection.execute("set local statement_timeout = 0")
        await connection.execute("set local maintenance_work_mem = '512MB'")
        await copy(connection, f"passages {columns}, heading, text, tokens, tsv)", passages)
        definition = await connection.execute("select pg_get_indexdef('passage_vectors_256'::regclass) as sql")
        index = (await definition.fetchone())["sql"]
        await connection.execute("drop index passage_vectors_256")  # making it anew takes a fifth of the time of growing it
        await copy(connection, f"passage_vectors {columns}, model, dims, embedding)", vectors)
        await connection.execute(index)
        rows = [(organisation_id, base_id, word, stem(word), n) for word, n in counted.items()]
        await connection.execute("create temp table counted (like passage_words) on commit drop")
        await copy(connection, "counted", rows)
        await connection.execute(
            "insert into passage_words as w select * from counted on conflict (organisation_id, knowledge_base_id, word) "
            "do update set passages = w.passages + excluded.passages"
        )
        await connection.execute("update knowledge_bases set passages = passages + %s where id = %s", [count, base_id])
    for table in ("passages", "passage_words", "passage_vectors", "documents"):
        await db.execute(f"analyze {table}")


async def copy(connection, into, rows):
    async with connection.cursor() as cursor, cursor.copy(f"copy {into} from stdin") as file:
        for row in rows:
            await file.write_row(row)
