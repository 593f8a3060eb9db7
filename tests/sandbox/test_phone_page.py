"""The phone page in a real browser, against the real sandbox: Dana writes, Bakery Lumen answers through the Graph API."""

import asyncio

import aiohttp
import msgspec
import pytest
import pytest_asyncio
import uvicorn
from playwright.async_api import async_playwright, expect
from stage import free_port
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Mount, Route

from dragoman.clock import Clock
from dragoman.sandbox.app import Sandbox

pytestmark = pytest.mark.asyncio(loop_scope="module")

NUMBER = "106540000000001"
TOKEN = "sandbox-access-token"
CALM = "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync"
MICROPHONE = "--use-fake-device-for-media-stream --use-fake-ui-for-media-stream"
LAPTOP = {"width": 1280, "height": 800}
POCKET = {"width": 390, "height": 844}
WATCH_POLICY = "window.refused = []; document.addEventListener('securitypolicyviolation', (event) => refused.push(event.violatedDirective))"


class Bakery:
    """Bakery Lumen, as the business behind the number: hears webhooks, sends by the Graph API, and may play tricks by the control API."""

    def __init__(self, origin):
        self.origin = origin
        self.heard = []
        self.hears = asyncio.Condition()

    async def webhook(self, request):
        body = msgspec.json.decode(await request.body())
        async with self.hears:
            self.heard += [
                message for entry in body["entry"] for change in entry["changes"] for message in change["value"].get("messages", [])
            ]
            self.hears.notify_all()
        return Response()

    async def hears_a(self, kind):
        """The newest message of this type, as soon as there is one."""
        async with asyncio.timeout(5), self.hears:
            await self.hears.wait_for(lambda: any(message["type"] == kind for message in self.heard))
            return next(message for message in reversed(self.heard) if message["type"] == kind)

    async def says(self, content, to="+15550007890"):
        message = {"messaging_product": "whatsapp", "to": to} | content
        return (await self._post(f"/sandbox/graph/v26.0/{NUMBER}/messages", message))["messages"][0]["id"]

    async def asks(self, text, *titles):
        buttons = [{"type": "reply", "reply": {"id": title.lower(), "title": title}} for title in titles]
        return await self.says(
            interactive({"type": "button", "body": {"text": text}, "footer": {"text": "Bakery Lumen"}, "action": {"buttons": buttons}})
        )

    async def control(self, path, body):
        return await self._post(f"/sandbox/control{path}", body)

    async def _post(self, path, body):
        async with (
            aiohttp.ClientSession(headers={"Authorization": f"Bearer {TOKEN}"}) as web,
            web.post(self.origin + path, json=body) as answer,
        ):
            assert answer.status in (200, 201), await answer.text()
            return await answer.json()


def interactive(content):
    return {"type": "interactive", "interactive": content}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser(chromium):
    """One window for all tests, which keeps the page's files in its cache."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=f"{CALM} {MICROPHONE}".split())
        context = await browser.new_context(reduced_motion="reduce")
        await context.add_init_script(WATCH_POLICY)
        context.set_default_timeout(5000)
        yield context
        await browser.close()


@pytest.fixture(scope="module")
def port():
    return free_port()


@pytest_asyncio.fixture(loop_scope="module")
async def bakery(port):
    bakery = Bakery(f"http://127.0.0.1:{port}")
    keys = {"app_secret": "s", "verify_token": "v", "access_token": TOKEN}
    sandbox = Sandbox(Clock(), **keys, callback_url=f"{bakery.origin}/hook", own_url=f"{bakery.origin}/sandbox")
    app = Starlette(routes=[Route("/hook", bakery.webhook, methods=["POST"]), Mount("/sandbox", app=sandbox.app)])
    bakery.line = Line(app, port)
    await bakery.line.up()
    yield bakery
    await sandbox.close()
    await bakery.line.down()


class Line:
    """The server under all this, which can go down and come up again at the same address while the sandbox lives on."""

    def __init__(self, app, port):
        self.app, self.port = app, port

    async def up(self):
        config = uvicorn.Config(self.app, port=self.port, lifespan="off", log_level="critical", timeout_graceful_shutdown=0)
        self.server = uvicorn.Server(config)
        self.running = asyncio.create_task(self.server.serve())
        while not self.server.started:
            await asyncio.sleep(0)

    async def down(self):
        self.server.should_exit = True
        await self.running


@pytest_asyncio.fixture(loop_scope="module")
async def phone(browser, bakery):
    """A fresh browser page that has taken no offence at anything by the end of the test."""
    page = await browser.new_page()
    await page.set_viewport_size(LAPTOP)
    page.complaints = complaints = []
    page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    complaints += await page.evaluate("refused")
    await page.close()
    assert complaints == []


@pytest_asyncio.fixture(loop_scope="module")
async def dana(bakery, phone):
    """Dana has the phone in her hand."""
    await bakery.control("/people", {"name": "Dana", "phone": "+15550007890"})
    await phone.goto(f"{bakery.origin}/sandbox/phone?person=Dana")
    await expect(phone.get_by_text("write the first message")).to_be_visible()
    return phone


async def write(phone, text):
    await phone.get_by_label("Message", exact=True).fill(text)
    await phone.keyboard.press("Enter")


def bubble(phone, text):
    return phone.get_by_role("article").filter(has_text=text)


async def test_dana_writes_is_answered_with_buttons_and_taps_one(bakery, phone):
    await phone.goto(f"{bakery.origin}/sandbox/phone")
    await phone.get_by_role("button", name="New customer").click()
    await phone.get_by_label("Name", exact=True).fill("Dana")
    await phone.get_by_label("Phone", exact=True).fill("+1 555 000 7890")
    await phone.get_by_role("button", name="Create").click()
    await expect(phone.get_by_role("radio", name="Dana")).to_be_checked()

    await write(phone, "Is the *chocolate* cake there?")
    assert (await bakery.hears_a("text"))["text"]["body"] == "Is the *chocolate* cake there?"
    await expect(bubble(phone, "cake there?").locator("strong")).to_have_text("chocolate")
    await expect(bubble(phone, "cake there?").get_by_role("img", name="Delivered")).to_be_visible()

    asked = await bakery.asks("Shall I keep one?", "Keep one", "No, thanks")
    await phone.get_by_role("button", name="Keep one").click()
    tapped = await bakery.hears_a("interactive")
    assert tapped["interactive"]["button_reply"] == {"id": "keep one", "title": "Keep one"}
    assert tapped["context"]["id"] == asked
    await expect(phone.get_by_role("button", name="Keep one", exact=True)).to_have_attribute("aria-pressed", "true")
    await expect(phone.get_by_role("button", name="Answers Sandbox")).to_contain_text("Shall I keep one?")

    await expect(phone.get_by_text("Open for 23 h")).to_be_visible()
    await phone.get_by_role("button", name="Skip 25 h").click()
    await expect(phone.get_by_text("1 d 1 h ahead", exact=True)).to_be_visible()
    await expect(phone.get_by_text("Closed: only templates arrive until Dana writes")).to_be_visible()


async def test_a_list_opens_as_a_sheet_that_the_keyboard_can_walk(bakery, dana):
    await write(dana, "When can I come?")
    await bakery.hears_a("text")
    rows = [{"id": "t16", "title": "16:00", "description": "Rue des Fours 4"}, {"id": "t17", "title": "17:30"}]
    action = {"button": "Choose a time", "sections": [{"title": "Today", "rows": rows}]}
    await bakery.says(interactive({"type": "list", "body": {"text": "When?"}, "action": action}))
    await dana.get_by_role("button", name="Choose a time").press("Enter")
    await expect(dana.get_by_role("button", name="16:00")).to_be_focused()
    await dana.keyboard.press("Escape")
    await expect(dana.get_by_role("dialog")).to_have_count(0)
    await expect(dana.get_by_role("button", name="Choose a time")).to_be_focused()

    await dana.keyboard.press("Enter")
    await dana.keyboard.press("ArrowDown")
    await dana.keyboard.press("Enter")
    assert (await bakery.hears_a("interactive"))["interactive"]["list_reply"]["id"] == "t17"


async def test_a_picture_goes_with_its_caption_and_a_place_without(bakery, dana):
    await dana.evaluate(PASTE_A_PICTURE)
    await expect(dana.get_by_text("write a caption below")).to_be_visible()
    await write(dana, "Like this one")
    picture = await bakery.hears_a("image")
    assert (picture["image"]["mime_type"], picture["image"]["caption"]) == ("image/png", "Like this one")
    await expect(dana.get_by_role("button", name="Open picture: Like this one")).to_be_visible()

    await dana.get_by_role("button", name="Attach").click()
    await dana.get_by_role("button", name="Location").click()
    await dana.get_by_role("button", name="Galata Tower").click()
    assert (await bakery.hears_a("location"))["location"]["name"] == "Galata Tower"


PASTE_A_PICTURE = """async () => {
    const canvas = Object.assign(document.createElement("canvas"), {width: 8, height: 8});
    canvas.getContext("2d").fillRect(0, 0, 8, 8);
    const blob = await new Promise((done) => canvas.toBlob(done, "image/png"));
    const files = new DataTransfer();
    files.items.add(new File([blob], "cake.png", {type: "image/png"}));
    document.getElementById("text").dispatchEvent(new ClipboardEvent("paste", {clipboardData: files, bubbles: true}));
}"""


async def test_dana_answers_one_message_and_reacts_to_it(bakery, dana):
    await write(dana, "Hello")
    await bakery.hears_a("text")
    told = await bakery.says({"type": "text", "text": {"body": "We open at seven"}})
    await bubble(dana, "We open at seven").focus()
    await dana.keyboard.press("Enter")
    await dana.get_by_role("button", name="React with ❤️").click()
    reaction = await bakery.hears_a("reaction")
    assert reaction["reaction"] == {"message_id": told, "emoji": "❤️"}
    await expect(dana.get_by_role("img", name="Reaction: ❤️")).to_be_visible()

    await bubble(dana, "We open at seven").hover()
    await bubble(dana, "We open at seven").get_by_role("button", name="Message options").click()
    await dana.get_by_role("button", name="Reply").click()
    await write(dana, "Then I come at eight")
    await expect(bubble(dana, "Then I come at eight").get_by_role("button", name="Answers Sandbox: We open at seven")).to_be_visible()


async def test_words_of_a_message_stay_words(bakery, dana):
    await write(dana, "Hello")
    await bakery.hears_a("text")
    nasty = "<img src=x onerror=alert(1)> javascript:alert(1) snake_case_name 2*3*4 https://bakery.example/?a=<b>"
    await bakery.says({"type": "text", "text": {"body": nasty}})
    await expect(bubble(dana, "snake_case_name 2*3*4")).to_contain_text("<img src=x onerror=alert(1)>")
    assert await bubble(dana, "snake_case").locator("img, em, strong, b").count() == 0
    assert await bubble(dana, "snake_case").locator("a").evaluate_all("links => links.map((link) => link.href)") == [
        "https://bakery.example/?a="
    ]


async def test_whatsapp_marks_become_elements_only_where_whatsapp_sees_them(dana):
    cases = {
        "*bold* _it_ ~no~ `x`": "<strong>bold</strong> <em>it</em> <s>no</s> <code>x</code>",
        "*bold _and it_*": "<strong>bold <em>and it</em></strong>",
        "2*3*4 snake_case_name * a * b": "2*3*4 snake_case_name * a * b",
        "*two\nlines*": "*two\nlines*",
        "```a *b*\n<i>```": '<code class="block">a *b*\n&lt;i&gt;</code>',
        "> said": '<div class="quote">said</div>',
        "2. two": '<div class="item"><span class="bullet">2.</span><span>two</span></div>',
        "javascript:alert(1)": "javascript:alert(1)",
        "(see www.a.example/x_y_z).": '(see <a href="https://www.a.example/x_y_z" target="_blank" rel="noopener noreferrer">www.a.example/x_y_z</a>).',
    }
    assert await dana.evaluate(MARKED, list(cases)) == list(cases.values())


MARKED = """async (texts) => {
    const { marked } = await import("/sandbox/static/js/markup.js");
    return texts.map((text) => {
        const box = document.createElement("p");
        box.append(...marked(text));
        return box.innerHTML;
    });
}"""


async def test_a_fault_is_marked_and_a_failed_message_says_why(bakery, dana):
    await write(dana, "Hello")
    await bakery.hears_a("text")
    await dana.get_by_role("radio", name="Meta takes the message; it never arrives").check(force=True)
    await expect(dana.get_by_text("1 on", exact=True)).to_be_visible()
    await bakery.says({"type": "text", "text": {"body": "Your receipt"}})
    await expect(dana.get_by_text("Did not arrive. 131026 Message undeliverable")).to_be_visible()
    await dana.get_by_role("radio", name="No fault").first.check(force=True)
    await expect(dana.get_by_text("1 on", exact=True)).to_be_hidden()


async def test_a_connect_link_fills_the_composer(bakery, phone):
    await bakery.control("/people", {"name": "Zoë", "username": "zoe.k", "phone_visible": "never"})
    await phone.goto(f"{bakery.origin}/sandbox/phone/?text=/connect:4f1c&person=zoe.k")
    await expect(phone.get_by_label("Message", exact=True)).to_have_value("/connect:4f1c")
    await phone.get_by_role("button", name="Send", exact=True).click()
    assert (await bakery.hears_a("text"))["text"]["body"] == "/connect:4f1c"
    await expect(phone.get_by_label("Message", exact=True)).to_have_value("")


async def test_a_lost_line_is_shown_and_comes_back(bakery, dana):
    await write(dana, "Are you there?")
    await bakery.hears_a("text")
    await bakery.line.down()
    await expect(dana.get_by_text("Reconnecting…")).to_be_visible()
    await write(dana, "Hello?")
    await expect(dana.locator(".problem", has_text="Not sent. The sandbox does not answer.")).to_be_visible()
    await bakery.line.up()
    await expect(dana.get_by_text("Reconnecting…")).to_be_hidden()
    await dana.get_by_role("button", name="Try again").click()
    await expect(bubble(dana, "Hello?").get_by_role("img", name="Delivered")).to_be_visible()
    dana.complaints.clear()  # the browser's own lines about the lost connection


async def test_a_voice_note_goes_as_ogg(bakery, dana):
    await dana.get_by_role("button", name="Record a voice note").click()
    await expect(dana.locator("#voice-time")).to_have_text("0:01")
    await dana.get_by_role("button", name="Send", exact=True).click()
    voice = (await bakery.hears_a("audio"))["audio"]
    assert (voice["mime_type"], voice["voice"]) == ("audio/ogg; codecs=opus", True)
    await expect(dana.get_by_role("button", name="Play audio")).to_be_visible()
    assert await dana.evaluate(LENGTH_OF_THE_SOUND) > 0.5


LENGTH_OF_THE_SOUND = """async () => {
    const chat = await (await fetch("/sandbox/control/people/p1/chat")).json();
    const bytes = await (await fetch(chat.messages[0].media.url)).arrayBuffer();
    return (await new OfflineAudioContext(1, 48000, 48000).decodeAudioData(bytes)).duration;
}"""


async def test_on_a_narrow_screen_the_panel_is_a_sheet(dana):
    await dana.set_viewport_size(POCKET)
    await expect(dana.get_by_role("button", name="Skip 1 h")).to_be_hidden()
    await dana.get_by_role("button", name="People, clock and faults").click()
    await dana.get_by_role("button", name="Skip 1 h").click()
    await expect(dana.get_by_text("1 h ahead", exact=True)).to_be_visible()
    await dana.keyboard.press("Escape")
    await expect(dana.get_by_role("button", name="Skip 1 h")).to_be_hidden()
    await expect(dana.get_by_role("button", name="People, clock and faults")).to_be_focused()
