"""Image generation tools: a provider draws, and what it drew reaches the customer as a picture that WhatsApp takes."""

import base64
import io
import zlib

import aiohttp
import pytest
from aiohttp import web
from PIL import Image
from stage import serving
from starlette.applications import Starlette
from tests.agents.one_turn import bakery_on, call, services_on
from tests.api.serving import served

from dragoman.agents import files
from dragoman.agents.capabilities import images
from dragoman.agents.capabilities.images import CAPABILITY, Unfit, sendable
from dragoman.agents.llm import providers
from dragoman.api.media import MediaDoor

SKETCH = {"name": "Cake sketch", "description": "When the customer plans a cake", "prompt": "A cake, in watercolours.", "creditCost": 5}


def picture(kind="PNG", size=(64, 48), mode="RGB", colour="red", **more):
    file = io.BytesIO()
    Image.new(mode, size, colour).save(file, kind, **more)
    return file.getvalue()


class Painter:
    """An OpenAI-compatible provider of pictures. `draws` is a picture, or the status of a refusal."""

    def __init__(self):
        self.draws = picture()
        self.asked = []

    async def handle(self, request):
        self.asked.append((request.path, request.headers.get("Authorization"), await request.json()))
        if isinstance(self.draws, int):
            return web.json_response({"error": {"message": "no"}}, status=self.draws)
        return web.json_response({"created": 1, "data": [{"b64_json": base64.b64encode(self.draws).decode()}]})


@pytest.fixture
async def services(database, clock, tmp_path):
    async with services_on(database, clock, tmp_path) as services:
        yield services


@pytest.fixture
async def painter():
    painter = Painter()
    async with serving(painter.handle) as url:
        painter.url = f"{url}/v1"
        yield painter


@pytest.fixture
async def lumen(services, painter):
    lumen = await bakery_on(services.kit)
    await providers.put(lumen.kit, lumen.organisation_id, "painter", "openai", painter.url, "the painter's key")
    return lumen


async def draw(lumen, details="three layers, cherries", call_made=None, **config):
    items = await lumen.give(CAPABILITY, {**SKETCH, "model": "painter/watercolour-1", **config})
    [tool] = await CAPABILITY.tools(lumen.run(), items)
    return await tool.run(call_made or call({"details": details}))


async def fetched(services, url):
    """What WhatsApp gets at this address."""
    door = MediaDoor(services)
    async with served(Starlette(routes=door.routes())) as base, aiohttp.ClientSession() as session:
        assert url.startswith("https://dragoman.example/")
        async with session.get(url.replace("https://dragoman.example", base)) as answer:
            return answer.status, answer.content_type, await answer.read()


async def test_a_picture_is_drawn_from_the_business_words_and_the_details(lumen, painter, services):
    made = await draw(lumen)

    assert made.error == ""
    assert not made.outside
    [(path, key, asked)] = painter.asked
    assert (path, key) == ("/v1/images/generations", "Bearer the painter's key")
    assert asked["model"] == "watercolour-1"
    assert asked["prompt"] == "A cake, in watercolours.\n\nthree layers, cherries"
    [image] = made.contents
    assert image.kind == "image"
    status, kind, data = await fetched(services, image.url)
    assert (status, kind) == (200, "image/jpeg")
    assert Image.open(io.BytesIO(data)).size == (64, 48)


@pytest.mark.parametrize(("model", "form"), [("watercolour-1", "b64_json"), ("gpt-image-1", None)])
async def test_each_model_is_asked_in_the_form_it_knows(lumen, painter, model, form):
    await draw(lumen, model=f"painter/{model}")

    assert painter.asked[0][2].get("response_format") == form


async def test_the_tool_costs_what_the_business_says_and_asks_nobody(lumen):
    items = await lumen.give(CAPABILITY, SKETCH, {"prompt": "A loaf.", "creditCost": 0})

    sketch, loaf = await CAPABILITY.tools(lumen.run(), items)

    assert (sketch.name, sketch.credit_cost, sketch.acts, sketch.confirm, sketch.type) == (
        "cake_sketch",
        5,
        True,
        "never",
        "content_generation",
    )
    assert sketch.description == "Make a picture and send it to the customer. When the customer plans a cake"
    assert (loaf.name, loaf.credit_cost) == ("generate_image", 0)
    assert loaf.capability_id == items[1].id


async def test_a_refusal_is_told_to_the_model_and_nothing_is_sent(lumen, painter):
    painter.draws = 429

    made = await draw(lumen)

    assert made.error == "no picture was made: the provider answered with status 429"
    assert made.contents == []


async def test_without_a_provider_the_model_is_told_what_is_missing(lumen):
    made = await draw(lumen, model="openai/gpt-image-1")

    assert made.error.startswith("no picture was made: no key is set for the provider openai")


async def test_a_provider_that_sends_something_else_sends_nothing(lumen, painter):
    painter.draws = b"<svg onload='alert(1)'/>"

    assert (await draw(lumen)).error == "the picture cannot be sent: the provider sent neither PNG nor JPEG nor WebP"


async def test_the_same_call_again_is_the_same_file(lumen):
    one = call({"details": "cherries"})

    urls = {(await draw(lumen, call_made=one)).contents[0].url.rpartition("/")[2][:40] for _ in range(2)}

    assert len(urls) == 1


async def test_a_link_to_a_picture_works_for_a_month_and_cannot_be_forged(lumen, services, clock):
    [image] = (await draw(lumen)).contents
    token, _, _ = image.url.rpartition("/")[2].rpartition(".")
    place = image.url.rpartition("/")[0]

    changed = f"{'A' * 20}{token[20:]}.jpg"
    for forged in (changed, f"{token}.png", f"{token}.html", f"{token[:-4]}.jpg", token, ".jpg", "..%2f..%2fsecret.key.jpg"):
        status, _, said = await fetched(services, f"{place}/{forged}")
        assert (status, said[:12]) == (404, b"no such file" if "%2f" not in forged else b"Not Found")
    assert (await fetched(services, f"https://dragoman.example/media/{token}"))[0] == 404
    clock.advance(files.LIFETIME * 0.99)
    assert (await fetched(services, image.url))[0] == 200
    clock.advance(files.LIFETIME * 0.02)
    assert (await fetched(services, image.url))[0] == 404


async def test_a_picture_that_is_not_kept_any_more_is_gone(lumen, services):
    one = call({"details": "cherries"})
    [image] = (await draw(lumen, call_made=one)).contents

    await services.objects.delete(f"{lumen.organisation_id}/made/{one.id}.jpg")

    assert await fetched(services, image.url) == (404, "text/plain", b"the file is gone")


@pytest.mark.parametrize(("kind", "mode"), [("PNG", "RGB"), ("PNG", "P"), ("PNG", "L"), ("PNG", "I;16"), ("JPEG", "CMYK"), ("WEBP", "RGB")])
def test_whatever_was_drawn_becomes_a_jpeg(kind, mode):
    made = Image.open(io.BytesIO(sendable(picture(kind, mode=mode, colour=0))))

    assert (made.format, made.mode, made.size) == ("JPEG", "RGB", (64, 48))


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_what_is_transparent_becomes_white(kind):
    made = Image.open(io.BytesIO(sendable(picture(kind, mode="RGBA", colour=(255, 0, 0, 0)))))

    assert made.getpixel((5, 5)) == (255, 255, 255)


def test_a_large_picture_is_made_smaller():
    made = Image.open(io.BytesIO(sendable(picture(size=(5000, 2500)))))

    assert made.size == (2048, 1024)


def test_noise_fits_into_what_whatsapp_takes():
    noise = io.BytesIO()
    Image.effect_noise((2048, 2048), 200).convert("RGB").save(noise, "JPEG", quality=95)

    assert len(sendable(noise.getvalue())) <= 5 * 1024 * 1024


def test_what_the_provider_wrote_into_the_file_does_not_travel():
    made = picture("JPEG", exif=b"Exif\x00\x00" + Image.Exif().tobytes(), comment=b"the canary")

    assert b"canary" in made
    assert b"canary" not in sendable(made)


def test_a_bomb_is_refused_before_it_is_unpacked():
    """A PNG header that promises 30,000 x 30,000 pixels, and hardly a byte behind it."""
    header = bytearray(picture("PNG", size=(1, 1)))
    header[16:24] = (30_000).to_bytes(4, "big") * 2
    header[29:33] = zlib.crc32(header[12:29]).to_bytes(4, "big")

    with pytest.raises(Unfit):
        sendable(bytes(header))


def test_a_picture_of_too_many_pixels_is_refused(monkeypatch):
    monkeypatch.setattr(images, "MOST_PIXELS", 1000)

    with pytest.raises(Unfit, match="more than 0 megapixels"):
        sendable(picture())


@pytest.mark.parametrize("broken", [b"", b"GIF89a", b"RIFF....WAVE", picture()[:60], b"\xff\xd8\xff\xe0" + b"\0" * 100])
def test_what_is_no_whole_picture_is_refused(broken):
    with pytest.raises(Unfit):
        sendable(broken)
