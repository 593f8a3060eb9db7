"""F-43: what WhatsApp gives is not the file that it announced. It is fetched again, then given up; the words are answered all the same."""

import base64
import hashlib

import pytest
from cast import until
from test_think_context import PICTURE

from dragoman.conversations.media import DELAYS, GARBLED
from dragoman.whatsapp import digests


async def state(lumen):
    return (await lumen.rows("select state, cause, attempts, object_key from media"))[0]


async def test_a_garbled_download_is_made_again(lumen, echo, dana, session):
    await lumen.fault(on="media_download", action="garble", times=1)
    await dana.sends_file("image", PICTURE, "image/png", caption="This one")
    delivery = (await echo.delivered())[0]
    (file,) = delivery["context"]["media"]
    assert (delivery["message"], file["state"]) == ("This one", "pending")
    assert (await state(lumen))["cause"] == GARBLED
    await lumen.skip(seconds=DELAYS[0])

    async def arrived():
        async with session.get(file["url"]) as answer:
            return answer.status == 200 and await answer.read()

    assert await until(arrived, "the file is fetched at the second try") == PICTURE


async def test_a_file_that_never_comes_as_announced_is_given_up_with_the_reason(lumen, echo, dana):
    await lumen.fault(on="media_download", action="garble")
    await dana.sends_file("image", PICTURE, "image/png", caption="This one")
    assert await dana.hears_text() == ["You said: This one"]
    for n, seconds in enumerate(DELAYS):
        await until(lambda n=n: planned(lumen, n + 1), "it was tried, and the next try is planned")
        await lumen.skip(seconds=seconds)
    await until(lambda: attempted(lumen, len(DELAYS) + 1), "it was tried for the last time")
    assert await state(lumen) == {"state": "failed", "cause": GARBLED, "attempts": len(DELAYS) + 1, "object_key": None}
    media = [entry for entry in (await lumen.timeline())["entries"] if entry["kind"] == "media"]
    assert [(entry["summary"], entry["cause"]) for entry in media] == [("The image could not be fetched from WhatsApp.", GARBLED)]


async def planned(lumen, times):
    due = (await lumen.rows("select media_at from conversations"))[0]["media_at"]
    return await attempted(lumen, times) and due is not None and due > lumen.services.clock.now()


async def attempted(lumen, times):
    return (await state(lumen))["attempts"] == times


BYTES = b"a cake"
RIGHT, WRONG = hashlib.sha256(BYTES), hashlib.sha256(b"a tart")
IN_BASE64 = base64.b64encode(RIGHT.digest()).decode()


@pytest.mark.parametrize(
    ("said", "fits"),
    [
        ((IN_BASE64, None), True),
        ((RIGHT.hexdigest(), None), True),
        ((None, RIGHT.hexdigest().upper()), True),
        ((base64.b64encode(WRONG.digest()).decode(), None), False),
        ((None, WRONG.hexdigest()), False),
        ((base64.b64encode(WRONG.digest()).decode(), RIGHT.hexdigest()), False),
        ((IN_BASE64, WRONG.hexdigest()), True),
        ((IN_BASE64[:-4], None), None),
        (("é" * 44, "g" * 64), None),
        ((None, None), None),
        (("", ""), None),
    ],
)
def test_what_is_no_digest_is_not_compared_and_the_webhooks_counts_first(said, fits):
    digest = digests.announced(*said)
    assert (digest and digests.is_of(digest, BYTES)) == fits
