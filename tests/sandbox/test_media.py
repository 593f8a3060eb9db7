"""Files both ways: uploaded, resolved, downloaded with the token, fetched from links, and gone when their time is up."""

import base64
import hashlib
from io import BytesIO

import aiohttp
import pytest
from business import NUMBER, TOKEN

PNG = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC")
OGG = b"OggS" + bytes(100)


async def upload(town, data=PNG, kind="image/png", **fields):
    form = aiohttp.FormData({"messaging_product": "whatsapp", "type": kind} | fields)
    form.add_field("file", BytesIO(data), filename="a.bin", content_type=kind)
    return await town.graph("POST", f"{NUMBER}/media", data=form)


async def download(town, url, token=TOKEN):
    async with town.web.get(url, headers={"Authorization": f"Bearer {token}"}) as answer:
        return answer.status, await answer.read()


async def failed(town, lumen, content):
    _, answer = await town.send(content)
    wamid = answer["messages"][0]["id"]
    while (await town.ledger())[-1]["error"] is None:
        pass
    town.later(seconds=1)
    status = await lumen.status("failed", wamid)
    return status["errors"][0]["code"], status["errors"][0]["error_data"]["details"]


async def test_a_picture_of_a_person_is_announced_resolved_and_downloaded(town, lumen, dana):
    more = {"media_base64": base64.b64encode(PNG).decode(), "mime_type": "image/png", "caption": "Like this"}
    message = await lumen.message(await town.says(dana, type="image", **more))
    image = message["image"]
    assert image["caption"] == "Like this"
    assert base64.b64decode(image["sha256"]) == hashlib.sha256(PNG).digest()
    assert await download(town, image["url"]) == (200, PNG)

    status, node = await town.graph("GET", image["id"])
    assert status == 200
    assert node["sha256"] == hashlib.sha256(PNG).hexdigest()
    assert (node["file_size"], node["mime_type"], node["messaging_product"]) == (len(PNG), "image/png", "whatsapp")
    assert await download(town, node["url"]) == (200, PNG)
    assert (await download(town, node["url"], token="wrong"))[0] == 401
    assert (await download(town, node["url"].replace("hash=", "hash=0")))[0] == 404


async def test_a_voice_note_and_a_document_say_what_they_are(town, lumen, dana):
    voice = {"type": "audio", "media_base64": base64.b64encode(OGG).decode(), "mime_type": "audio/ogg; codecs=opus"}
    paper = {"type": "document", "media_base64": base64.b64encode(b"x").decode(), "mime_type": "text/plain", "filename": "list.txt"}
    audio = (await lumen.message(await town.says(dana, **voice)))["audio"]
    document = (await lumen.message(await town.says(dana, **paper)))["document"]
    assert (audio["voice"], audio["mime_type"]) == (True, "audio/ogg; codecs=opus")
    assert document["filename"] == "list.txt"


async def test_links_die_after_five_minutes_and_ids_after_a_week(town, lumen, dana):
    image = (await lumen.message(await town.says(dana, type="image")))["image"]
    town.later(minutes=6)
    assert (await download(town, image["url"]))[0] == 404
    _, node = await town.graph("GET", image["id"])
    assert (await download(town, node["url"]))[0] == 200
    town.later(days=7)
    status, answer = await town.graph("GET", image["id"])
    assert (status, answer["error"]["code"], answer["error"]["error_subcode"]) == (400, 100, 33)


async def test_an_uploaded_picture_is_sent_shown_and_deleted(town, lumen, dana):
    await town.says(dana, "Hi")
    status, answer = await upload(town)
    assert status == 200
    _, sent = await town.send({"type": "image", "image": {"id": answer["id"], "caption": "Yours"}})
    shown = await town.bubble(dana, sent["messages"][0]["id"])
    assert shown["caption"] == "Yours"
    async with town.web.get(f"{town.origin}{shown['media']['url']}") as picture:
        assert await picture.read() == PNG
        assert picture.headers["X-Content-Type-Options"] == "nosniff"
        assert picture.content_type == "image/png"
    town.later(seconds=1)
    await lumen.status("delivered", sent["messages"][0]["id"])
    assert (await town.graph("DELETE", answer["id"]))[1] == {"success": True}
    assert (await town.graph("GET", answer["id"]))[0] == 400


async def test_a_file_of_no_known_kind_or_too_large_is_not_taken(town):
    assert (await upload(town, kind="nonsense"))[1]["error"]["code"] == 100
    assert (await upload(town, data=bytes(5 * 1024 * 1024 + 1)))[1]["error"]["code"] == 100
    assert (await upload(town, messaging_product="telegram"))[1]["error"]["code"] == 100
    assert (await town.graph("POST", f"{NUMBER}/media", {"messaging_product": "whatsapp"}))[1]["error"]["code"] == 100


async def test_a_link_is_fetched_and_shown(town, lumen, dana):
    await town.says(dana, "Hi")
    lumen.files["cake.png"] = ("image/png", PNG)
    _, sent = await town.send({"type": "image", "image": {"link": f"{lumen.origin}/files/cake.png"}})
    wamid = sent["messages"][0]["id"]
    while (await town.bubble(dana, wamid))["media"]["url"] is None:
        pass
    town.later(seconds=1)
    await lumen.status("delivered", wamid)
    async with town.web.get(f"{town.origin}{(await town.bubble(dana, wamid))['media']['url']}") as picture:
        assert await picture.read() == PNG


@pytest.mark.parametrize(
    ("kind", "name", "file", "why"),
    [
        ("image", "none.png", None, "http code 404"),
        ("image", "page.html", ("text/html", b"<p>"), "image files must be one of"),
        ("sticker", "big.webp", ("image/webp", bytes(600 * 1024)), "more than"),
    ],
)
async def test_a_link_whatsapp_cannot_use_fails_the_message_later(town, lumen, dana, kind, name, file, why):
    await town.says(dana, "Hi")
    if file:
        lumen.files[name] = file
    code, details = await failed(town, lumen, {"type": kind, kind: {"link": f"{lumen.origin}/files/{name}"}})
    assert code == 131053
    assert why in details


async def test_a_link_to_nowhere_fails_the_message_later(town, lumen, dana):
    await town.says(dana, "Hi")
    code, _ = await failed(town, lumen, {"type": "video", "video": {"link": "http://127.0.0.1:9/a.mp4"}})
    assert code == 131053


async def test_an_upload_of_another_kind_fails_the_message_later(town, lumen, dana):
    await town.says(dana, "Hi")
    _, answer = await upload(town, data=b"%PDF", kind="application/pdf")
    code, details = await failed(town, lumen, {"type": "image", "image": {"id": answer["id"]}})
    assert code == 131053
    assert "application/pdf" in details


async def test_media_of_one_business_is_nothing_to_another(town, lumen, dana):
    _, answer = await upload(town)
    keys = {"app_id": "rival", "app_secret": "rival-secret", "access_token": "rival-token"}
    rival = await town.control("POST", "/numbers", {**keys})
    status, refusal = await town.graph("GET", answer["id"], token="rival-token")
    assert (status, refusal["error"]["code"]) == (400, 100)
    image = {"type": "image", "image": {"id": answer["id"]}}
    assert await town.refused(image, number=rival["phone_number_id"], token="rival-token") == (400, 131009)


async def test_a_strangers_file_cannot_run_in_the_page(town, lumen, dana):
    more = {"media_base64": base64.b64encode(b"<script>alert(1)</script>").decode(), "mime_type": "text/html", "filename": "a.html"}
    wamid = await town.says(dana, type="document", **more)
    async with town.web.get(f"{town.origin}{(await town.bubble(dana, wamid))['media']['url']}") as file:
        assert file.content_type == "application/octet-stream"
        assert file.headers["Content-Disposition"] == "attachment"
        assert "sandbox" in file.headers["Content-Security-Policy"]
