"""How well and how fast the knowledge is searched: `python bench/knowledge/search.py [passages]`.

Prints the share of the committed questions whose section is among the first passages, by words alone and together with vectors;
what the strength of the best passage is for questions that have an answer and for those that have none; and the time of a search
in a base of 100,000 passages.
"""

import asyncio
import atexit
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

from crowd import fill
from hashing import Hashing

from dragoman.accounts import organisations
from dragoman.agents.knowledge import bases, documents, indexing
from dragoman.agents.knowledge.searching import search
from dragoman.agents.knowledge.shelves import Shelves
from dragoman.agents.knowledge.words import telling, tokens
from dragoman.clock import Clock
from dragoman.http.guarded import Guarded
from dragoman.store import embedded, migrate
from dragoman.store.database import Database
from dragoman.store.jobs import Runner
from dragoman.store.objects import Objects

HERE = Path(__file__).parent
QUESTIONS = [line.split("\t") for line in (HERE / "questions.tsv").read_text().splitlines()]
UNANSWERABLE = (HERE / "unanswerable.txt").read_text().splitlines()
ROUNDS = 5


class Bench:
    def __init__(self, db, organisation_id, base_id):
        self.db, self.organisation_id, self.base_id = db, organisation_id, base_id
        self.embedder = Hashing()

    async def find(self, question, *, hybrid=False, limit=5):
        embedding = self.embedder.vector(question) if hybrid else None
        return await search(self.db, self.organisation_id, [self.base_id], question, embedding=embedding, limit=limit)

    async def recall(self, *, hybrid, details=False):
        places = []
        for question, document, heading in QUESTIONS:
            found = await self.find(question, hybrid=hybrid)
            hit = [n for n, passage in enumerate(found, 1) if passage.name == document and passage.heading.endswith(heading)]
            places.append(hit[0] if hit else None)
            if details and places[-1] != 1:
                print(f"    {places[-1] or 'missed'}: {question}  →  {found[0].heading if found else 'nothing'}")
        total = len(places)
        at = {k: sum(place is not None and place <= k for place in places) / total for k in (1, 3, 5)}
        name = "words and vectors" if hybrid else "words alone"
        print(f"{name:18} recall@1 {at[1]:.3f}  recall@3 {at[3]:.3f}  recall@5 {at[5]:.3f}   ({total} questions)")

    async def strengths(self):
        """Does the strength of the best passage tell whether it is an answer?"""
        right, wrong = [], []
        for question, document, heading in QUESTIONS:
            found = await self.find(question, limit=1)
            good = found and found[0].name == document and found[0].heading.endswith(heading)
            (right if good else wrong).append(found[0].strength if found else 0.0)
        for question in UNANSWERABLE:
            found = await self.find(question, limit=1)
            wrong.append(found[0].strength if found else 0.0)
        for threshold in (0.4, 0.5, 0.6):
            said = sum(strength >= threshold for strength in right)
            false = sum(strength >= threshold for strength in wrong)
            print(f"answers from strength {threshold}: {said} of {len(right)} right ones said, {false} of {len(wrong)} wrong ones said")

    async def times(self, count):
        for hybrid in (False, True):
            taken = []
            for _ in range(ROUNDS):
                for question, _, _ in QUESTIONS:
                    start = time.perf_counter()
                    await self.find(question, hybrid=hybrid, limit=6)
                    taken.append((time.perf_counter() - start) * 1000)
            taken = sorted(taken[len(QUESTIONS) :])  # the first round warms the caches
            p99 = taken[int(len(taken) * 0.99)]
            name = "words and vectors" if hybrid else "words alone"
            print(f"{name:18} at {count} passages: p50 {statistics.median(taken):.1f} ms, p99 {p99:.1f} ms, longest {taken[-1]:.1f} ms")


async def shelve(db, clock, folder):
    """The committed corpus, read by the job queue as in production."""
    organisation_id = await organisations.create(db, clock, "Bench")
    base = await bases.create(db, clock, organisation_id, "Handbooks")
    bench = Bench(db, organisation_id, base.id)

    async def embedder_for(organisation_id, base_id):
        return bench.embedder

    objects = Objects(folder.as_uri())
    runner = Runner(db.uri, indexing.tasks(Shelves(db, clock, objects, Guarded([]), embedder_for)), poll=0.2)
    await runner.start()
    for path in sorted((HERE / "corpus").iterdir()):
        await documents.add_file(db, clock, objects, organisation_id, base.id, path.name, path.read_bytes())
    for document in await documents.listing(db, organisation_id, [base.id]):
        while (await documents.get(db, organisation_id, document.id)).state != "ready":
            await asyncio.sleep(0.05)
    await runner.stop()
    return bench


async def main(count):
    folder = Path(tempfile.mkdtemp(prefix="dragoman-bench-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)  # after the server, which registers its own end later, has stopped
    uri = await embedded.start(folder)
    await migrate.upgrade(uri)
    db, clock = Database(uri), Clock()
    await db.open()
    bench = await shelve(db, clock, folder / "objects")
    await bench.recall(hybrid=False, details="-v" in sys.argv)
    await bench.recall(hybrid=True, details="-v" in sys.argv)
    await bench.strengths()
    start = time.perf_counter()
    await fill(db, bench.organisation_id, bench.base_id, count, corpus_words(), clock)
    print(f"{count} more passages put in {time.perf_counter() - start:.0f} s")
    await bench.times(count)
    await db.close()


def corpus_words():
    written = [tokens(path.read_text()) for path in sorted((HERE / "corpus").iterdir())]
    return [word for words in written for word in words if word in telling(words)]


if __name__ == "__main__":
    asyncio.run(main(int(next((word for word in sys.argv[1:] if word.isdigit()), "100000"))))
