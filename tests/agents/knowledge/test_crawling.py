"""Websites: read from one page to the next, on one host, as far as robots.txt and the door allow."""

import pytest
from aiohttp import web as aio
from tests.agents.knowledge import papers
from tests.agents.knowledge.library import page

from dragoman.agents.knowledge import crawling, documents
from dragoman.errors import Invalid

HOURS = "The shop is open from half past six in the morning until six in the evening, from Tuesday to Friday, and on Saturday until two."
CAKES = (
    "Cakes are made to order. We need three days for a birthday cake and four weeks for the cake of a wedding, and a third is paid first."
)
RYE = "The rye loaf is baked from whole grain that the mill at the river grinds for us each week, and keeps fresh for seven days in linen."


def redirect(to, status=302):
    return lambda request: aio.Response(status=status, headers={"Location": to})


async def headings(library):
    rows = await library.rows("select distinct heading from passages where organisation_id = %(organisation_id)s order by heading")
    return [row["heading"] for row in rows]


async def test_one_page_is_read_and_names_its_document(library, web):
    url = await web.site({"/": page("Opening hours of Lumen", HOURS, links=["/cakes"]), "/cakes": page("Cakes", CAKES)})
    document = await library.add_url(url)
    assert (document.state, document.name, document.kind, document.mime_type) == ("ready", "Opening hours of Lumen", "url", "text/html")
    best = await library.best("When do you open in the morning?")
    assert best.url.rstrip("/") == url
    assert "half past six" in best.text
    assert await library.find("birthday cake") == []
    assert "/cakes" not in web.asked


async def test_a_name_that_was_given_stays(library, web):
    url = await web.site({"/": page("Opening hours of Lumen", HOURS)})
    assert (await library.add_url(url, name="Our website")).name == "Our website"


@pytest.mark.parametrize(
    ("depth", "found"), [(0, ["Home"]), (1, ["Cakes", "Home"]), (2, ["Cakes", "Home", "Rye"]), (3, ["Cakes", "Home", "Rye"])]
)
async def test_depth_is_how_many_links_away_a_page_may_be(library, web, depth, found):
    pages = {"/": page("Home", HOURS, links=["/cakes", "/"]), "/cakes": page("Cakes", CAKES, links=["/rye"])}
    url = await web.site({**pages, "/rye": page("Rye", RYE, links=["/cakes", "/"])})
    document = await library.add_url(url, depth=depth)
    assert (document.state, document.cause) == ("ready", None)
    assert await headings(library) == found


async def test_other_hosts_are_not_visited(library, web):
    elsewhere = await web.site({"/": page("Elsewhere", CAKES), "/hidden": page("Hidden", CAKES)})
    links = [elsewhere, "/gone", "mailto:us@lumen.example", "javascript:alert(1)", "http://[", "/picture.jpg"]
    url = await web.site({"/": page("Home", HOURS, links=links), "/gone": redirect(f"{elsewhere}/hidden")})
    await library.add_url(url, depth=2)
    assert await headings(library) == ["Home"]
    assert "/hidden" not in web.asked
    assert "/picture.jpg" not in web.asked


async def test_robots_txt_is_obeyed(library, web):
    robots = "User-agent: *\nDisallow: /private\n\nUser-agent: Dragoman\nDisallow: /private\nDisallow: /cakes\n"
    pages = {"/": page("Home", HOURS, links=["/cakes", "/rye", "/private/x"]), "/rye": page("Rye", RYE), "/cakes": page("Cakes", CAKES)}
    url = await web.site({"/robots.txt": robots, **pages})
    await library.add_url(url, depth=1)
    assert await headings(library) == ["Home", "Rye"]
    refused = await library.add_url(f"{url}/cakes")
    assert refused.state == "error"
    assert refused.cause.endswith("does not want this page to be read by programs (robots.txt).")
    assert {"/cakes", "/private/x"} & set(web.asked) == set()


async def test_a_redirect_is_followed_step_by_step(library, web):
    url = await web.site({"/": redirect("/home", 301), "/home": redirect("/home/", 308), "/home/": page("Home", HOURS)})
    document = await library.add_url(url)
    assert document.state == "ready", document.cause
    assert (await library.best("open in the morning")).url == f"{url}/home/"


async def test_a_redirect_round_and_round_has_an_end(library, web):
    url = await web.site({"/": redirect("/a"), "/a": redirect("/")})
    document = await library.add_url(url)
    assert (document.state, document.cause) == ("error", "The page leads on to other addresses more than 5 times.")
    assert len(web.asked) <= 14


async def test_a_redirect_into_a_private_network_goes_nowhere(library, web):
    url = await web.site({"/": redirect("http://169.254.169.254/latest/meta-data/")})
    document = await library.add_url(url)
    assert document.state == "error"
    assert "169.254.169.254" not in document.cause or "leads into" in document.cause


async def test_an_address_that_is_not_called_is_refused_at_once(library):
    for url in ("ftp://lumen.example/", "https://user:pass@lumen.example/", "javascript:alert(1)", "https://10.0.0.1/"):
        with pytest.raises(Invalid) as caught:
            await documents.add_url(library.db, library.clock, library.organisation_id, library.base_id, url)
        assert caught.value.field == "url"
    with pytest.raises(Invalid, match="depth: it is 4"):
        await documents.add_url(library.db, library.clock, library.organisation_id, library.base_id, "https://lumen.example/", depth=4)


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        (404, "answered with status 404."),
        (403, "answered with status 403."),
        (
            lambda request: aio.Response(body=b"\x89PNG", content_type="image/png"),
            "answered with image/png, which is no page that can be read.",
        ),
        (lambda request: aio.Response(body=b"x" * (6 * 1024 * 1024), content_type="text/html"), "The page is too large."),
        (lambda request: aio.Response(body=b"\x89PNG\r\n", content_type="text/html"), "It is an image"),
        ("<html><body></body></html>", "There is no text in it."),
    ],
)
async def test_a_page_that_cannot_be_used_says_why(library, web, answer, cause):
    document = await library.add_url(await web.site({"/": answer}))
    assert document.state == "error"
    assert cause in document.cause


async def test_pages_that_fail_on_the_way_are_counted(library, web):
    pages = {"/": page("Home", HOURS, links=["/a", "/b", "/rye"]), "/a": 500, "/rye": page("Rye", RYE)}
    document = await library.add_url(await web.site(pages), depth=1)
    assert (document.state, document.cause) == ("ready", "2 of 4 pages could not be read.")
    assert await headings(library) == ["Home", "Rye"]


async def test_a_site_without_end_is_read_up_to_a_number_of_pages(library, web, monkeypatch):
    monkeypatch.setattr(crawling, "MOST_PAGES", 4)
    pages = {f"/{n}": page(f"Page {n}", f"{CAKES} {n}", links=[f"/{n + 1}", f"/{n + 2}"]) for n in range(20)}
    document = await library.add_url(f"{await web.site(pages)}/0", depth=3)
    assert document.cause == "There are more pages than the 4 that were read."
    assert len([path for path in web.asked if path != "/robots.txt"]) == 4


async def test_a_site_that_is_down_is_tried_again(library, web):
    answers = [503, page("Home", HOURS)]
    url = await web.site({"/": lambda request: page_or_status(answers)})
    library.shelves.guarded  # noqa: B018
    document = await documents.add_url(
        library.db, library.clock, library.organisation_id, library.base_id, url, allow=library.shelves.guarded._allow
    )
    async with library.db.transaction() as connection:  # no need to wait for the pause between attempts
        await connection.execute("update procrastinate_jobs set scheduled_at = now()")
    for _ in range(400):
        document = await documents.get(library.db, library.organisation_id, document.id)
        if document.state == "ready":
            break
        await library.rows("update procrastinate_jobs set scheduled_at = now() where scheduled_at > now() returning id")
        await library.rows("select pg_sleep(0.02)")
    assert (document.state, document.cause) == ("ready", None)


def page_or_status(answers):
    answer = answers.pop(0) if len(answers) > 1 else answers[0]
    return aio.Response(status=answer) if isinstance(answer, int) else aio.Response(text=answer, content_type="text/html")


async def test_a_file_on_the_web_is_read_like_one_that_was_sent(library, web):
    def as_pdf(request):
        return aio.Response(body=papers.pdf(["We are open from seven."]), content_type="application/pdf")

    document = await library.add_url(f"{await web.site({'/hours': as_pdf})}/hours")
    assert (document.state, document.mime_type) == ("ready", "application/pdf")
    assert (await library.best("when open")).text == "We are open from seven."


async def test_a_wish_for_slowness_is_granted_up_to_a_point(library, web, monkeypatch):
    slept = []

    async def sleep(seconds):
        slept.append(seconds)

    monkeypatch.setattr(library.clock, "sleep", sleep)
    pages = {"/": page("Home", HOURS, links=["/rye"]), "/rye": page("Rye", RYE)}
    await library.add_url(await web.site({"/robots.txt": "User-agent: *\nCrawl-delay: 600\n", **pages}), depth=1)
    assert slept == [5.0]


async def test_a_changed_site_is_read_again_without_its_old_pages(library, web):
    pages = {"/": page("Home", HOURS, links=["/cakes", "/rye"]), "/cakes": page("Cakes", CAKES), "/rye": page("Rye", RYE)}
    document = await library.add_url(await web.site(pages), depth=1)
    before = document.sha256
    pages["/"] = page("Home", HOURS, links=["/rye"])
    document = await library.reindex(document)
    assert await headings(library) == ["Home", "Rye"]
    assert document.sha256 != before
