"""The guarded door for mail: whom it dials, what it says in clear, and what it knows when a conversation breaks."""

from ipaddress import ip_network

import pytest
from outside import LOOPBACK
from tests.agents.actions.post_office import mail_server

from dragoman.http import mail

HOST, TILL, BAKER = "mail.lumen.example", "till@lumen.example", "baker@lumen.example"
LETTER = b"Subject: Two rye\r\n\r\nFor Dana.\r\n.\r\nAnd no more.\r\n"


@pytest.fixture
async def door(guard):
    return await guard(LOOPBACK, {HOST: ["127.0.0.1"], "127.0.0.1": ["127.0.0.1"]})


def at(post, security="none", host=HOST, **login):
    return mail.Server(host, post.port, security, **login)


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_a_letter_is_handed_over_encrypted_for_the_name_that_was_typed(door, authority, security):
    context = authority.server(HOST)
    async with mail_server(**({"tls": context} if security == "starttls" else {"implicit": context})) as post:
        posted = await mail.post(door, at(post, security, username="till", password="a-password"), TILL, [BAKER], LETTER)
    assert posted == mail.Posted("sent")
    [letter] = post.letters
    assert (letter["Subject"], letter.get_content().splitlines()) == ("Two rye", ["For Dana.", ".", "And no more."])
    assert any(line.startswith("AUTH PLAIN") for line in post.heard)


@pytest.mark.parametrize("security", ["starttls", "tls"])
@pytest.mark.parametrize(("name", "more"), [("mail.evil.example", {}), (HOST, {"signed": False}), (HOST, {"days": -1})])
async def test_a_server_that_cannot_show_who_it_is_learns_neither_password_nor_letter(door, authority, security, name, more):
    context = authority.server(name, **more)
    async with mail_server(**({"tls": context} if security == "starttls" else {"implicit": context})) as post:
        posted = await mail.post(door, at(post, security, username="till", password="a-password"), TILL, [BAKER], LETTER)
    assert posted == mail.Posted("refused", f"The certificate or encryption of {HOST} cannot be trusted.")
    assert not any(line.startswith(("AUTH", "MAIL", "RCPT")) for line in post.heard)


async def test_without_starttls_nothing_is_said_in_clear(door):
    async with mail_server() as post:
        posted = await mail.post(door, at(post, "starttls", username="till", password="a-password"), TILL, [BAKER], LETTER)
    assert posted.outcome == "refused"
    assert "offers no encryption (STARTTLS)" in posted.reason
    assert not any(line.startswith(("AUTH", "MAIL")) for line in post.heard)


@pytest.mark.parametrize("addresses", [["10.0.0.1"], ["169.254.169.254"], ["::1"], ["127.0.0.1"], ["93.184.215.14", "192.168.0.1"]])
async def test_a_name_that_leads_inside_is_not_dialled(guard, dials, addresses):
    door = await guard([], {HOST: addresses})
    posted = await mail.post(door, mail.Server(HOST, 587, "starttls"), TILL, [BAKER], LETTER)
    assert posted.outcome == "refused"
    assert "leads into" in posted.reason
    assert dials == []


@pytest.mark.parametrize("port", [22, 80, 443, 6379, 5432])
async def test_on_the_public_internet_only_ports_of_mail_are_dialled(guard, dials, port):
    door = await guard(LOOPBACK, {HOST: ["93.184.215.14"]})
    posted = await mail.post(door, mail.Server(HOST, port, "none"), TILL, [BAKER], LETTER)
    assert posted == mail.Posted("refused", f"Port {port} of {HOST} is not dialled on the public internet; use one of 25, 465, 587, 2525.")
    assert dials == []


async def test_this_very_server_is_not_dialled(guard, dials):
    door = await guard(LOOPBACK, {HOST: ["93.184.215.14"]}, deny=[ip_network("93.184.215.14/32")])
    posted = await mail.post(door, mail.Server(HOST, 25, "none"), TILL, [BAKER], LETTER)
    assert (posted.outcome, "leads back to this server" in posted.reason, dials) == ("refused", True, [])


async def test_a_name_that_nobody_knows_is_told(door):
    posted = await mail.post(door, mail.Server("nowhere.example", 25, "none"), TILL, [BAKER], LETTER)
    assert posted == mail.Posted("refused", "nowhere.example is not known to the name service.")


@pytest.mark.parametrize("fault", ["drop", "garble", "silence"])
async def test_when_it_breaks_after_the_letter_nobody_knows(door, monkeypatch, fault):
    monkeypatch.setattr(mail, "SECONDS", 0.5)
    async with mail_server(fault=fault) as post:
        posted = await mail.post(door, at(post), TILL, [BAKER], LETTER)
    assert (posted.outcome, "Nobody knows" in posted.reason) == ("unknown", True)


@pytest.mark.parametrize(
    ("fault", "words"),
    {"data": "refused the message with status 554", "mute": "did not answer in time", "flood": "not answer as a mail server does"}.items(),
)
async def test_before_that_it_is_known_that_nothing_was_sent(door, monkeypatch, fault, words):
    monkeypatch.setattr(mail, "SECONDS", 0.5)
    async with mail_server(fault=fault) as post:
        posted = await mail.post(door, at(post), TILL, [BAKER], LETTER)
    assert (posted.outcome, words in posted.reason) == ("refused", True), posted


async def test_nobody_is_at_home(door):
    async with mail_server() as post:
        pass
    posted = await mail.post(door, at(post), TILL, [BAKER], LETTER)
    assert posted == mail.Posted("refused", f"{HOST} could not be reached.")


@pytest.mark.parametrize("sender", [TILL, "till@lumen.example>\r\nRCPT TO:<mallory@evil.example"])
async def test_an_address_cannot_become_a_command(door, sender):
    async with mail_server() as post:
        posted = await mail.post(door, at(post), sender, ["x@lumen.example>\r\nRCPT TO:<mallory@evil.example"], LETTER)
    assert (posted.outcome, post.heard) == ("refused", [])


async def test_a_letter_too_long_is_not_begun(door):
    async with mail_server() as post:
        posted = await mail.post(door, at(post), TILL, [BAKER], b"x" * (mail.LARGEST + 1))
    assert (posted.outcome, post.heard) == ("refused", [])


async def test_for_whom_it_was_not_taken_is_known(door):
    async with mail_server(unknown=("gone@lumen.example",)) as post:
        posted = await mail.post(door, at(post), TILL, [BAKER, "gone@lumen.example"], LETTER)
    assert posted == mail.Posted("sent", turned_away=(("gone@lumen.example", "status 550"),))
