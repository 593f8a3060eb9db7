"""What is put on the shelves is read, found, renamed, read again and taken away."""


async def test_a_handbook_is_read_and_answers(library):
    document = await library.add("# Opening hours\n\nWe are open from 7:30 to 18:00.\n\n# Parking\n\nBehind the house.", "Handbook.md")
    assert (document.state, document.cause, document.passages, document.mime_type) == ("ready", None, 2, "text/plain")
    best = await library.best("When do you open?")
    assert (best.name, best.heading, best.text) == ("Handbook.md", "Opening hours", "We are open from 7:30 to 18:00.")
    assert best.strength > 0.8
