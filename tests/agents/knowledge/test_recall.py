"""The committed questions of bench/knowledge: how many are answered must not fall unnoticed."""

from pathlib import Path

BENCH = Path(__file__).parents[3] / "bench/knowledge"
QUESTIONS = [line.split("\t") for line in (BENCH / "questions.tsv").read_text().splitlines()]
UNANSWERABLE = (BENCH / "unanswerable.txt").read_text().splitlines()


async def test_nine_questions_in_ten_find_their_section_and_few_wrong_ones_are_sure_of_themselves(library):
    assert len(QUESTIONS) >= 40
    for path in sorted((BENCH / "corpus").iterdir()):
        assert (await library.add(path.read_bytes(), path.name)).state == "ready"
    found = 0
    sure = {True: 0, False: 0}
    for question, document, heading in QUESTIONS:
        passages = await library.find(question, 5)
        fits = [passage.name == document and passage.heading.endswith(heading) for passage in passages]
        found += any(fits)
        if passages and passages[0].strength >= 0.5:
            sure[fits[0]] += 1
    for question in UNANSWERABLE:
        best = await library.best(question)
        sure[False] += best is not None and best.strength >= 0.5
    assert found / len(QUESTIONS) >= 0.9
    assert sure[True] >= 40
    assert sure[False] <= 2
