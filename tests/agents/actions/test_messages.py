"""E-mail and text messages that an agent sends, and a shop that it searches: to whom, what, and what is told when it does not work."""

import json
from urllib.parse import parse_qs

import pytest
from aiohttp import web
from stage import serving
from tests.agents.actions.post_office import mail_server
from tests.agents.one_turn import call

from dragoman.agents import integrations
from dragoman.agents.actions import TYPES, records
from dragoman.agents.actions.records import NewAction
from dragoman.conversations import contacts
from dragoman.errors import Invalid

BAKER = "baker@lumen.example"


async def tool_of(lumen, kind, **body):
    """The tool of a new action."""
    config = TYPES[kind].schema.model_validate(body)
    new = NewAction(name="Tell", description="When they order.", type=kind, timing="DURING", is_active=True, config=config)
    action = await records.put(lumen.kit, lumen.organisation_id, new)
    [tool] = await TYPES[kind].tools(lumen.run(), action, "tell")
    return tool


@pytest.fixture
async def mail(lumen):
    async with mail_server() as mail:
        await connect(lumen, mail)
        yield mail


async def connect(lumen, mail, **more):
    settings = {"host": "127.0.0.1", "port": mail.port, "security": "none", "sender": "Lumen <till@lumen.example>"} | more
    await integrations.add(lumen.kit, lumen.organisation_id, "smtp", "Mail", integrations.Smtp.model_validate(settings))


async def test_the_baker_gets_the_order_by_mail(lumen, mail):
    block = {
        "to": {"value": [BAKER]},
        "cc": "till@lumen.example, shop@lumen.example",
        "bcc": ["owner@lumen.example"],
        "subject": "Order of {{who}}",
        "body": "<h1>{{what}}</h1><p>From %PHONE_NUMBER%</p>",
        "response_message_context": "Say that the baker knows.",
    }
    tool = await tool_of(lumen, "SEND_EMAIL", email=block)
    assert set(tool.parameters["properties"]) == {"who", "what"}
    assert tool.acts
    result = await tool.run(call({"who": "Dana", "what": "two <b>rye</b>"}))
    assert (result.error, result.text) == ("", "The e-mail was sent. Say that the baker knows.")
    [letter] = mail.letters
    assert (letter["From"], letter["To"], letter["Subject"]) == ("Lumen <till@lumen.example>", BAKER, "Order of Dana")
    assert letter["Cc"] == "till@lumen.example, shop@lumen.example"
    assert "Bcc" not in letter
    assert mail.recipients == [BAKER, "till@lumen.example", "shop@lumen.example", "owner@lumen.example"]
    html = letter.get_body(("html",)).get_content()
    assert "<h1>two &lt;b&gt;rye&lt;/b&gt;</h1><p>From +" in html
    assert letter.get_body(("plain",)).get_content().splitlines() == ["two <b>rye</b>", "From +15550007890"]


async def test_a_value_cannot_become_a_header_or_a_recipient(lumen, mail):
    tool = await tool_of(lumen, "SEND_EMAIL", email={"to": BAKER, "subject": "Order of {{who}}", "body": "{{who}}"})
    await tool.run(call({"who": "Mallory\r\nBcc: mallory@evil.example\r\n\r\nHello, mallory@evil.example"}))
    [letter] = mail.letters
    assert mail.recipients == [BAKER]
    assert "Bcc" not in letter
    assert letter["Subject"].strip().startswith("Order of Mallory Bcc: mallory@evil.example")
    assert not any("to" in name.lower() or "recipient" in name.lower() for name in tool.parameters["properties"])


async def test_the_model_writes_what_the_business_left_open(lumen, mail):
    tool = await tool_of(lumen, "SEND_EMAIL", email={"to": BAKER})
    assert tool.parameters["required"] == ["email_subject", "email_body"]
    await tool.run(call({"email_subject": "New order", "email_body": "Two rye.\nAnd <i>one</i> spelt."}))
    [letter] = mail.letters
    assert letter.get_body(("html",)).get_content().strip() == "<p>Two rye.</p><p>And &lt;i&gt;one&lt;/i&gt; spelt.</p>"


async def test_static_content_goes_out_as_it_is(lumen, mail):
    block = {"to": BAKER, "subject": "Hello {{you}}", "body": "<p>{{all}}</p>", "send_static_contect": True, "unknown": "kept"}
    tool = await tool_of(lumen, "SEND_EMAIL", email=block)
    assert tool.parameters["properties"] == {}
    await tool.run(call({}))
    [letter] = mail.letters
    assert letter["Subject"] == "Hello {{you}}"
    assert letter.get_body(("html",)).get_content().strip() == "<p>{{all}}</p>"


async def test_the_customer_is_written_to_at_the_address_in_the_record(lumen, mail):
    tool = await tool_of(lumen, "SEND_EMAIL", email={"to": "customer", "subject": "Thanks", "body": "Thanks"})
    assert (await tool.run(call({}))).error == "no e-mail address of this customer is known"
    await contacts.change(lumen.kit.db, lumen.kit.clock, lumen.organisation_id, lumen.run().contact_id, {"email": "dana@example.org"})
    assert (await tool.run(call({}))).error == ""
    assert mail.recipients == ["dana@example.org"]


@pytest.mark.parametrize(
    ("fault", "words"),
    {
        "data": "refused the message with status 554",
        "drop": "Nobody knows whether it was taken",
        "login": "did not accept the user name",
    }.items(),
)
async def test_what_goes_wrong_is_told_in_words(lumen, fault, words):
    async with mail_server() as mail:
        await connect(lumen, mail, username="till", password="a-password")
        mail.fault = fault
        tool = await tool_of(lumen, "SEND_EMAIL", email={"to": BAKER, "subject": "x", "body": "x"})
        result = await tool.run(call({}))
    assert words in result.error
    assert "a-password" not in result.text


async def test_somebody_unknown_does_not_keep_it_from_the_others(lumen, mail):
    mail.unknown = ("gone@lumen.example",)
    tool = await tool_of(lumen, "SEND_EMAIL", email={"to": [BAKER, "gone@lumen.example"], "subject": "x", "body": "x"})
    assert (await tool.run(call({}))).text == "The e-mail was sent. It was not taken for 1 of 2 addresses."
    mail.unknown = ("gone@lumen.example", BAKER)
    assert "takes no mail for" in (await tool.run(call({}))).error


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_a_server_without_encryption_gets_nothing_unless_that_is_meant(lumen, security):
    async with mail_server() as mail:
        await connect(lumen, mail, security=security, username="till", password="a-password")
        tool = await tool_of(lumen, "SEND_EMAIL", email={"to": BAKER, "subject": "x", "body": "x"})
        result = await tool.run(call({}))
    assert ("encryption" if security == "tls" else "STARTTLS") in result.error
    assert mail.letters == []


async def test_a_private_mail_server_is_not_dialled_and_neither_are_odd_ports(lumen):
    for host, port, words in (
        ("10.0.0.1", 25, "leads into"),
        ("169.254.169.254", 587, "leads into"),
        ("93.184.215.14", 22, "is not dialled"),
    ):
        settings = {"host": host, "port": port, "sender": "till@lumen.example"}
        await integrations.add(lumen.kit, lumen.organisation_id, "smtp", "Mail", integrations.Smtp.model_validate(settings))
        account = (await integrations.listing(lumen.kit, lumen.organisation_id))[-1]
        tool = await tool_of(lumen, "SEND_EMAIL", email={"to": BAKER, "subject": "x", "body": "x", "user_id": account["id"]})
        assert words in (await tool.run(call({}))).error


@pytest.mark.parametrize(
    ("field", "block"),
    {
        "email.to": {"to": []},
        "email.to[1]": {"to": f"{BAKER}, nobody"},
        "email.to[0]": {"to": "bäcker@lumen.example"},
        "email.cc[0]": {"to": BAKER, "cc": "customer"},
        "email.subject": {"to": BAKER, "subject": "a\nb"},
        "email.user_id": {"to": BAKER, "user_id": "0198c5a2-7c1e-7d4b-9a55-3f0e6b1c2d4e"},
    }.items(),
)
async def test_a_mail_that_could_not_be_sent_is_refused_when_it_is_made(lumen, field, block):
    with pytest.raises(Invalid) as refused:
        await tool_of(lumen, "SEND_EMAIL", email=block)
    assert refused.value.field == field


class Texts:
    """Twilio."""

    def __init__(self):
        self.sent, self.refuse, self.headers = [], (), []

    async def handle(self, request):
        form = parse_qs(await request.text())
        self.headers.append(request.headers["Authorization"])
        assert request.path == "/2010-04-01/Accounts/AC1/Messages.json"
        if form["To"][0] in self.refuse:
            return web.json_response({"code": 21211, "message": "Invalid 'To' Phone Number"}, status=400)
        self.sent.append({name: value[0] for name, value in form.items()})
        return web.json_response({"sid": "SM1", "status": "queued"}, status=201)


@pytest.fixture
async def texts(lumen):
    texts = Texts()
    async with serving(texts.handle) as url:
        settings = {"account_sid": "AC1", "auth_token": "token-of-the-till", "sender": "+15550001111", "base_url": url}
        await integrations.add(lumen.kit, lumen.organisation_id, "twilio", "Texts", integrations.Twilio.model_validate(settings))
        yield texts


async def test_a_text_message_goes_to_the_numbers_that_were_set(lumen, texts):
    block = {
        "to": {"value": ["+15550009999", "customer"]},
        "provider": "twilio",
        "cc": ["+15550008888"],
        "body": {"value": "Order: {{what}}"},
        "response_message_context": "Say that it is on its way.",
    }
    tool = await tool_of(lumen, "SEND_SMS", sms=block, webhook={"mandatory": True})
    assert (tool.confirm, set(tool.parameters["properties"])) == ("customer", {"what"})
    result = await tool.run(call({"what": "two rye"}))
    assert result.text == "The message was sent. Say that it is on its way."
    own = f"+{lumen.run().turn.contact.phone}"
    assert [one["To"] for one in texts.sent] == ["+15550009999", own, "+15550008888"]
    assert {(one["From"], one["Body"]) for one in texts.sent} == {("+15550001111", "Order: two rye")}


async def test_which_text_messages_did_not_go_is_told(lumen, texts):
    texts.refuse = ("+15550008888",)
    tool = await tool_of(lumen, "SEND_SMS", sms={"to": ["+15550009999", "+15550008888"], "body": "Hello"})
    result = await tool.run(call({}))
    assert result.text.startswith(
        "The message went to …9999. Not to …8888: The service for text messages refused it with status 400 (code 21211)."
    )
    texts.refuse = ("+15550009999", "+15550008888")
    failed = await tool.run(call({}))
    assert "code 21211" in failed.error
    assert "token-of-the-till" not in failed.text


async def test_a_text_message_without_a_service_says_so(lumen):
    tool = await tool_of(lumen, "SEND_SMS", sms={"to": "+15550009999"})
    assert (await tool.run(call({"text": "Hello"}))).error == "the business has no service for text messages connected"
    with pytest.raises(Invalid):
        await tool_of(lumen, "SEND_SMS", sms={"to": {"value": ["Dana"]}})


async def test_the_products_of_a_shop_are_found(lumen):
    asked = []
    rye = {"title": "Rye", "price": "4.50", "available": True, "url": "/products/rye?_pos=1&_psq=rye", "vendor": "Lumen"}
    elsewhere = {"title": "Trap", "price": "1", "available": True, "url": "https://evil.example/x"}

    async def shop(request):
        asked.append(dict(request.query))
        return web.json_response({"resources": {"results": {"products": [rye, elsewhere, "nonsense"]}}})

    async with serving(shop) as url:
        tool = await tool_of(lumen, "SHOPIFY", webhook={"type": "contactswing_shopify_search", "url": url})
        result = await tool.run(call({"query": "rye bread"}))
    assert asked == [{"q": "rye bread", "resources[type]": "product", "resources[limit]": "8"}]
    assert json.loads(result.text) == [
        {"title": "Rye", "price": "4.50", "available": True, "url": f"{url}/products/rye"},
        {"title": "Trap", "price": "1", "available": True},
    ]
    assert (result.outside, tool.acts) == (True, False)


@pytest.mark.parametrize("answer", [b"", b"<html>", b"{}", b"[1]", b'{"resources": {"results": {"products": {}}}}'])
async def test_a_shop_that_says_nothing_useful_is_no_fault(lumen, answer):
    async def shop(_request):
        return web.Response(body=answer)

    async with serving(shop) as url:
        tool = await tool_of(lumen, "SHOPIFY", webhook={"type": "contactswing_shopify_search", "url": url})
        assert (await tool.run(call({"query": "rye"}))).text == "Nothing was found."
    with pytest.raises(Invalid):
        await tool_of(lumen, "SHOPIFY", webhook={"type": "contactswing_shopify_search"})
