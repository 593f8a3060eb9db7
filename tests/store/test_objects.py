"""What Dana sends to Bakery Lumen is kept under a key, in a folder or in a bucket, and can be forgotten."""

import stat

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from dragoman.errors import NotFound, Unavailable
from dragoman.store.objects import Objects

PICTURE = bytes(range(256)) * 4096  # 1 MiB


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "media"


@pytest.fixture
def in_folder(folder):
    return Objects(f"file://{folder}")


async def test_what_was_put_comes_back(in_folder):
    await in_folder.put("lumen/cake.jpg", PICTURE)
    assert await in_folder.get("lumen/cake.jpg") == PICTURE


async def test_a_large_thing_comes_in_pieces(in_folder):
    await in_folder.put("lumen/cake.jpg", PICTURE)
    parts = [part async for part in in_folder.stream("lumen/cake.jpg")]
    assert len(parts) > 1
    assert b"".join(parts) == PICTURE


async def test_a_second_put_replaces_the_first(in_folder):
    await in_folder.put("lumen/menu", b"old")
    await in_folder.put("lumen/menu", b"new")
    assert await in_folder.get("lumen/menu") == b"new"


async def test_empty_bytes_are_bytes(in_folder):
    await in_folder.put("lumen/empty", b"")
    assert await in_folder.get("lumen/empty") == b""


async def test_what_was_deleted_is_gone_and_deleting_again_is_no_error(in_folder):
    await in_folder.put("lumen/cake.jpg", PICTURE)
    await in_folder.delete("lumen/cake.jpg")
    await in_folder.delete("lumen/cake.jpg")
    with pytest.raises(NotFound):
        await in_folder.get("lumen/cake.jpg")


async def test_only_the_owner_can_look_into_the_folder(in_folder, folder):
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


async def test_no_half_written_file_lies_beside_the_real_one(in_folder, folder):
    await in_folder.put("lumen/cake.jpg", PICTURE)
    assert [path.name for path in (folder / "lumen").iterdir()] == ["cake.jpg"]


LEADING_OUT = [
    "",
    "/etc/passwd",
    "../secret_key",
    "lumen/../../secret_key",
    "lumen//cake",
    "lumen/",
    ".hidden",
    "lumen/.ssh",
    "a\\b",
    "%2e%2e/x",
]
NOT_PLAIN = ["a\0b", "a\nb", "a b", "é", "~root", "C:x", "a#1", "x" * 200, "/".join("abcdefghi")]


@pytest.mark.parametrize("key", [*LEADING_OUT, *NOT_PLAIN])
async def test_a_key_cannot_lead_out_of_the_store(in_folder, key):
    with pytest.raises(ValueError, match="key"):
        await in_folder.put(key, b"x")
    with pytest.raises(ValueError, match="key"):
        await in_folder.get(key)
    with pytest.raises(ValueError, match="key"):
        await in_folder.delete(key)


async def test_a_folder_with_a_space_in_its_name_is_taken_as_the_url_says(tmp_path):
    objects = Objects(f"file://{tmp_path}/my%20media")
    await objects.put("cake", b"x")
    assert (tmp_path / "my media" / "cake").read_bytes() == b"x"


async def test_a_store_that_fails_says_so_in_one_line(in_folder, folder):
    (folder / "lumen").write_bytes(b"a file where a folder should be")
    with pytest.raises(Unavailable, match="media store") as failure:
        await in_folder.put("lumen/cake.jpg", PICTURE)
    assert "\n" not in failure.value.message


@pytest.fixture
async def bucket(monkeypatch):
    """Just enough of S3 to hold bytes."""
    kept = {}

    async def serve(request):
        assert request.headers["Authorization"].startswith("AWS4-HMAC-SHA256")
        if request.method == "PUT":
            kept[request.path] = await request.read()
            return web.Response(headers={"ETag": '"1"'})
        if request.method == "DELETE":
            kept.pop(request.path, None)
            return web.Response(status=204)
        if request.method == "POST":  # DeleteObjects
            kept.clear()
            return web.Response(
                text="<DeleteResult><Deleted><Key>media/lumen/cake.jpg</Key></Deleted></DeleteResult>", content_type="application/xml"
            )
        if request.path not in kept:
            return web.Response(status=404)
        headers = {"ETag": '"1"', "Last-Modified": "Sat, 21 Nov 2026 12:00:00 GMT"}
        return web.Response(body=kept[request.path], headers=headers)

    app = web.Application(client_max_size=10 * 1024 * 1024)
    app.router.add_route("*", "/{path:.*}", serve)
    async with TestServer(app) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.port}")
        monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "lumen")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "flour")
        monkeypatch.setenv("AWS_REGION", "eu-central-1")
        yield kept


async def test_a_bucket_keeps_things_just_as_well(bucket):
    objects = Objects("s3://lumen/media")
    await objects.put("lumen/cake.jpg", PICTURE)
    assert list(bucket) == ["/lumen/media/lumen/cake.jpg"]
    assert await objects.get("lumen/cake.jpg") == PICTURE
    await objects.delete("lumen/cake.jpg")
    assert not bucket
    with pytest.raises(NotFound):
        await objects.get("lumen/cake.jpg")
