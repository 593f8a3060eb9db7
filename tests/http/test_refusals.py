"""The refusal corpus (S-B06): URLs, names and addresses by which somebody might make us call what only we can reach.

Each is tried for real against the guarded door, and the interpreter itself reports every connection that is attempted.
"""

import asyncio
import socket
from ipaddress import ip_network

import aiohttp
import pytest
import uvloop
from outside import LOOPBACK, OK, Server, lines, read_request
from test_addresses import NOT_PUBLIC, PUBLIC

from dragoman.http import Guarded, NoAnswer, Refused, check_url
from dragoman.http.dialling import CheckedNames, Forbidden, Rule

ELSEWHERE = [ip_network("198.51.100.0/24")]  # with a network allowed, http and odd ports pass the first look

REFUSED_URLS = lines("urls_refused")

SPELLINGS_OF_LOOPBACK = lines("hosts_of_loopback")

OTHER_PLACES = lines("hosts_elsewhere")

UNPRINTABLE = [
    f"https://agent.example/{character}x"
    for character in ["\n", "\r\nHost: evil", "\t", " ", "\0", "\x7f", "\x85", "\xa0", "\u2028", "\u2029", "\ufeff"]
] + [
    " https://agent.example/",
    "https://agent.example/ ",
    "https://agent.exa\u00admple/",
    "https://agent.exa\u200bmple/",
    "https://a\u202egent.example/",
]

TOO_LONG = ["https://agent.example/" + "x" * 1979, "https://" + "a" * 64 + ".example/", "https://" + "a." * 130 + "example/"]

CORPUS = [
    *REFUSED_URLS,
    *(f"https://{host}/" for host in SPELLINGS_OF_LOOPBACK + OTHER_PLACES),
    *UNPRINTABLE,
    *TOO_LONG,
    "",
]


def test_the_corpus_is_as_large_as_promised():
    assert len(set(CORPUS)) >= 150
    assert len(set(NOT_PUBLIC)) >= 80


@pytest.mark.parametrize("url", CORPUS)
async def test_a_url_that_leads_astray_is_refused_before_anything_is_dialled(guard, dials, url):
    asked = []

    async def lookup(host):
        asked.append(host)
        return ["127.0.0.1"]

    door = await guard(lookup=lookup)
    with pytest.raises(Refused) as refusal:
        await door.request("GET", url, timeout=5)
    assert (dials, asked) == ([], [])
    assert refusal.value.reason.endswith(".")
    with pytest.raises(Refused, match=r"\.$"):
        check_url(url)


@pytest.mark.parametrize("host", SPELLINGS_OF_LOOPBACK)
async def test_an_open_lan_does_not_open_loopback(guard, serve, dials, host):
    server = await serve()
    door = await guard(ELSEWHERE, {name: ["127.0.0.1", "::1"] for name in ("localhost", "localhost.", "LOCALHOST", host.lower())})
    with pytest.raises(Refused):
        await door.request("GET", f"http://{host}:{server.port}/", timeout=5)
    assert (dials, server.connections) == ([], 0)


@pytest.mark.parametrize("address", NOT_PUBLIC)
async def test_a_name_that_leads_inside_is_refused_before_anything_is_dialled(guard, dials, address):
    door = await guard((), {"agent.example": [address]})
    with pytest.raises(Refused, match="DRAGOMAN_ALLOW_PRIVATE_URLS") as refusal:
        await door.request("POST", "https://agent.example/hook", body=b"{}", timeout=5)
    assert dials == []
    assert "agent.example leads into" in refusal.value.reason


@pytest.mark.parametrize(
    "answers",
    [
        ["93.184.216.34", "127.0.0.1"],
        ["127.0.0.1", "93.184.216.34"],
        ["93.184.216.34", "2606:4700:4700::1111", "::1"],
        ["93.184.216.34", "::ffff:10.0.0.1"],
        ["93.184.216.34", "agent.example"],
        ["127.1"],
        ["0x7f.1"],
        ["2130706433"],
        [""],
        ["/var/run/docker.sock"],
    ],
)
async def test_one_bad_answer_spoils_all_answers(guard, dials, answers):
    door = await guard((), {"agent.example": answers})
    with pytest.raises(Refused, match=r"agent\.example leads"):
        await door.request("GET", "https://agent.example/", timeout=5)
    assert dials == []


async def test_a_name_without_addresses_is_no_answer(guard, dials):
    door = await guard((), {"agent.example": []})
    with pytest.raises(NoAnswer) as failure:
        await door.request("GET", "https://agent.example/", timeout=5)
    assert failure.value.reason == "The name agent.example could not be found: it has no addresses."
    assert dials == []


# --- rebinding -----------------------------------------------------------------------------------------------------


async def test_a_name_that_moves_inside_later_is_refused_then(guard, serve):
    """Public first, private second; 127.0.0.2 plays the public address."""
    public = [await serve(host="127.0.0.2") for _ in range(2)]
    secret = await serve()
    answers = [["127.0.0.2"], ["127.0.0.1"]]

    async def lookup(host):
        return answers.pop(0)

    door = await guard(["127.0.0.2/32"], lookup=lookup)
    assert (await door.request("GET", f"http://agent.example:{public[0].port}/", timeout=5)).status == 200
    with pytest.raises(Refused, match=r"agent\.example leads into"):
        await door.request("GET", f"http://agent.example:{secret.port}/", timeout=5)
    assert secret.connections == 0


async def test_the_name_is_looked_up_once_and_what_was_checked_is_dialled(guard, serve, dials):
    server = await serve(host="127.0.0.2")
    looked_up = []

    async def lookup(host):
        looked_up.append(host)
        return ["127.0.0.2"] if len(looked_up) == 1 else ["127.0.0.1"]

    door = await guard(["127.0.0.2/32"], lookup=lookup)
    for _ in range(3):
        await door.request("GET", f"http://agent.example:{server.port}/", timeout=5)
    assert (looked_up, dials) == (["agent.example"], ["127.0.0.2"])


# --- each of the two gates holds alone -----------------------------------------------------------------------------

FIVE_SPELLINGS = ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0x7f.1", "2130706433"]


@pytest.mark.parametrize("host", FIVE_SPELLINGS)
async def test_without_the_guard_loopback_is_reached(serve, host):
    """The negative control: were this to fail, the tests above would prove nothing."""
    server = await serve()
    async with aiohttp.ClientSession() as session:
        if host == "2130706433":
            with pytest.raises(aiohttp.InvalidURL):  # aiohttp's own refusal, of this one spelling
                await session.get(f"http://{host}:{server.port}/")
        else:
            async with session.get(f"http://{host}:{server.port}/") as response:
                assert response.status == 200
            assert server.connections == 1


@pytest.mark.parametrize("host", FIVE_SPELLINGS)
async def test_the_gate_at_the_socket_holds_alone(serve, dials, host):
    server = await serve()
    rule = Rule((), (), inside=False)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(socket_factory=rule.socket)) as session:
        with pytest.raises(aiohttp.ClientError) as failure:
            await session.get(f"http://{host}:{server.port}/")
    assert (dials, server.connections) == ([], 0)
    if host != "2130706433":
        assert isinstance(failure.value.os_error, Forbidden)


@pytest.mark.parametrize("answers", [["127.0.0.1"], ["127.0.0.1", "::1"], ["93.184.216.34", "10.0.0.1"]])
async def test_the_gate_at_the_name_holds_alone(serve, dials, answers):
    server = await serve()

    async def lookup(host):
        return answers

    resolver = CheckedNames(Rule((), (), inside=False), lookup)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(resolver=resolver)) as session:
        with pytest.raises(aiohttp.ClientConnectorError) as failure:
            await session.get(f"http://agent.example:{server.port}/")
    assert isinstance(failure.value.os_error, Forbidden)
    assert (dials, server.connections) == ([], 0)


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_no_socket_is_made_for_an_address_that_is_not_public(address):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with pytest.raises(Forbidden):
        Rule((), (), inside=False).socket((family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, 443)))


@pytest.mark.parametrize("address", PUBLIC)
def test_a_socket_is_made_for_an_address_that_is(address):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    Rule((), (), inside=False).socket((family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, 443))).close()


def test_the_guard_holds_on_the_loop_of_production_too():
    async def try_all():
        server, door = Server(), Guarded(ELSEWHERE)

        async def converse(reader, writer):
            server.connections += 1
            await read_request(reader)
            writer.write(OK)
            writer.close()

        listening = await asyncio.start_server(converse, "127.0.0.1", 0)
        server.port = listening.sockets[0].getsockname()[1]
        await door.open()
        for host in FIVE_SPELLINGS:
            with pytest.raises(Refused):
                await door.request("GET", f"http://{host}:{server.port}/", timeout=5)
        assert server.connections == 0
        allowing = Guarded(LOOPBACK)
        await allowing.open()
        assert (await allowing.request("GET", f"http://localhost:{server.port}/", timeout=5)).body == b"ok"
        await door.close()
        await allowing.close()
        listening.close()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(try_all())


# --- what is let through -------------------------------------------------------------------------------------------

GOOD = lines("urls_good")


@pytest.mark.parametrize("url", [*GOOD, "https://agent.example/" + "x" * 1978])
def test_an_ordinary_url_passes_the_first_look(url):
    check_url(url)


@pytest.mark.parametrize(
    "url", ["http://agent:8000/hook", "http://localhost:8000/", "https://agent.internal/", "http://10.1.2.3/", "https://[fd12::1]:8443/"]
)
def test_with_a_network_allowed_its_urls_pass_the_first_look(url):
    check_url(url, [ip_network("10.0.0.0/8"), ip_network("fd00::/8")])


def test_port_0_is_none_even_then():
    with pytest.raises(Refused, match="Port 0"):
        check_url("https://10.1.2.3:0/", [ip_network("10.0.0.0/8")])


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "agent.internal"])
async def test_an_allowed_network_is_reached_over_http_and_on_any_port(guard, serve, host):
    server = await serve()
    door = await guard(["127.0.0.0/8"], {"localhost": ["127.0.0.1"], "agent.internal": ["127.0.0.1"]})
    assert (await door.request("POST", f"http://{host}:{server.port}/", body=b"{}", timeout=5)).body == b"ok"


@pytest.mark.parametrize("url", ["http://agent.example/", "http://agent.example:8000/", "https://agent.example:8443/"])
async def test_an_allowed_network_does_not_make_the_internet_plain(guard, dials, url):
    door = await guard(ELSEWHERE, {"agent.example": ["93.184.216.34"]})
    with pytest.raises(Refused, match=r"https:// on port 443.*DRAGOMAN_ALLOW_PRIVATE_URLS"):
        await door.request("GET", url, timeout=5)
    assert dials == []


@pytest.mark.parametrize("url", ["http://agent.example/", "https://agent.example:8443/"])
def test_the_refusal_of_plain_http_or_an_odd_port_says_what_to_do(url):
    with pytest.raises(Refused, match=r"Use https:// on port 443, or add the network.*DRAGOMAN_ALLOW_PRIVATE_URLS"):
        check_url(url)


async def test_our_own_public_address_can_be_denied(guard, dials):
    door = await guard((), {"dragoman.example": ["93.184.216.34"]}, deny=[ip_network("93.184.216.34/32")])
    with pytest.raises(Refused, match="leads back to this server"):
        await door.request("GET", "https://dragoman.example/", timeout=5)
    assert dials == []


# --- the way there -------------------------------------------------------------------------------------------------

PROXY_VARIABLES = ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]


@pytest.fixture
async def proxy(serve, monkeypatch):
    server = await serve()
    for variable in PROXY_VARIABLES:
        monkeypatch.setenv(variable, f"http://127.0.0.1:{server.port}")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    return server


async def test_a_proxy_in_the_environment_is_not_used(guarded, trusted, serve, proxy):
    server = await serve()
    assert (await guarded.request("GET", server.url, timeout=5)).status == 200
    assert (await trusted.request("GET", server.url, timeout=5)).status == 200
    assert (server.connections, proxy.connections) == (2, 0)


async def test_a_careless_client_would_use_the_proxy(serve, proxy):
    server = await serve()
    async with aiohttp.ClientSession(trust_env=True) as session, session.get(server.url) as response:
        assert response.status == 200
    assert (server.connections, proxy.connections) == (0, 1)


async def test_a_good_certificate_is_accepted_and_the_server_hears_the_name(guard, serve, authority):
    context, heard = authority.server("agent.example"), []
    context.sni_callback = lambda _, name, __: heard.append(name)
    server = await serve(tls=context)
    door = await guard(LOOPBACK, {"agent.example": ["127.0.0.1"]})
    assert (await door.request("GET", f"https://agent.example:{server.port}/", timeout=10)).status == 200
    assert heard == ["agent.example"]
    assert f"Host: agent.example:{server.port}".encode() in server.requests[0]


@pytest.mark.parametrize(
    ("host", "how", "reason"),
    [
        ("agent.example", {"signed": False}, "self-signed certificate"),
        ("agent.example", {"days": -1}, "certificate has expired"),
        ("other.example", {}, "certificate is not valid for 'agent.example'"),
    ],
)
async def test_a_bad_certificate_is_refused_even_where_everything_is_allowed(guard, serve, authority, host, how, reason):
    server = await serve(tls=authority.server(host, **how))
    door = await guard(LOOPBACK, {"agent.example": ["127.0.0.1"]})
    with pytest.raises(NoAnswer, match=r"certificate of agent\.example was not accepted") as failure:
        await door.request("POST", f"https://agent.example:{server.port}/?key=s3cret", body=b"{}", timeout=10)
    assert reason in failure.value.reason
    assert not failure.value.body_sent
    assert server.requests == []
