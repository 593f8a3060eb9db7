import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.agents.knowledge.words import lexemes, near, stem, telling, tokens
from dragoman.ids import new_id


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Öffnungszeiten: 7:30 Uhr", ["offnungszeiten", "7", "30", "uhr"]),
        ("Straße, STRASSE", ["strasse", "strasse"]),
        ("Is there Wi-Fi?", ["is", "there", "wi", "fi", "wifi"]),
        ("ＣＡＦＥ café", ["cafe", "cafe"]),
        ("Ёлка и чай", ["елка", "и", "чаи"]),
        ("営業時間", ["営業", "業時", "時間"]),
        ("เปิดกี่โมง", ["เป", "ปิ", "ิด", "ดก", "กี", "ี่", "่โ", "โม", "มง"]),
        ("猫", ["猫"]),
        ("'; drop table passages; --", ["drop", "table", "passages"]),
        ("check-in-time's", ["check", "in", "checkin", "time", "checkintime", "s", "checkintimes"]),
        ("", []),
    ],
)
def test_words_are_written_in_one_way(text, expected):
    assert tokens(text) == expected


@pytest.mark.parametrize(
    "forms",
    [
        "bake baked baking bakes",
        "croissant croissants",
        "delivery deliveries deliver delivered delivers",
        "open opens opening opened",
        "cancel cancelled cancelling cancellation",
        "pay pays payment payments",
        "city cities",
        "lieferung liefern lieferungen",
        "hund hunde hunden",
        "parken parks parking",
        "schliessen schliesse",
        "reserver reservation reservations",
        "reservar reserva reservas reservacion reservaciones",
        "horario horarios",
        "livrer livraison livraisons",
    ],
)
def test_forms_of_a_word_have_one_stem(forms):
    assert len({stem(form) for form in forms.split()}) == 1


@pytest.mark.parametrize("pair", ["bread breakfast", "room rome", "cake cot", "garage garden", "spa spare", "vegan vegetable"])
def test_different_words_have_different_stems(pair):
    first, second = pair.split()
    assert stem(first) != stem(second)


@pytest.mark.parametrize(
    ("question", "telling_words"),
    [
        ("What are your opening hours?", {"opening", "hours"}),
        ("Hallo, könnt ihr mir bitte sagen, wann ihr geöffnet habt?", {"konnt", "sagen", "geoffnet", "habt"}),
        ("Est-ce que vous livrez le dimanche ?", {"livrez", "dimanche", "estce"}),
        ("¿Cuánto cuesta el envío?", {"cuesta", "envio"}),
        ("Who are you?", {"who", "are", "you"}),
    ],
)
def test_function_words_of_the_questions_language_do_not_count(question, telling_words):
    found = {word for word, share in telling(tokens(question)).items() if share == 1.0}
    assert telling_words - {"konnt", "habt", "estce"} <= found
    assert found <= telling_words


def test_one_word_is_not_enough_to_know_a_language():
    assert telling(tokens("van airport")) == {"airport": 1.0, "van": 0.3}
    assert telling(tokens("is there a van from the airport")) == {"airport": 1.0, "van": 1.0}


@pytest.mark.parametrize(
    ("word", "other", "is_near"),
    [
        ("croisant", "croissant", True),
        ("croissant", "croisant", True),
        ("brad", "bred", True),
        ("form", "from", True),
        ("same", "same", True),
        ("parking", "marking", True),
        ("bread", "broad", True),
        ("bread", "breed", True),
        ("bread", "dream", False),
        ("cat", "cats", True),
        ("cat", "cares", False),
        ("ab", "ba", True),
    ],
)
def test_one_slip_of_the_finger_is_near(word, other, is_near):
    assert near(word, other) is near(other, word) is is_near


def test_reading_words_takes_time_in_proportion():
    start = time.process_time()
    tokens("a" * 300_000)
    tokens("a-" * 150_000)
    tokens("営" * 300_000)
    assert time.process_time() - start < 5


@given(st.text())
def test_any_text_becomes_a_tsvector_without_quotes_in_its_words(text):
    written, words = lexemes(new_id(), text[:20], text)
    assert written.count("'") == 2 * len(words)
    assert "\\" not in written
    assert all(len(word) <= 40 for word in words)
