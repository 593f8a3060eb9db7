"""The world that the stories need is what it says it is: seen by the real clients of the protocols it speaks."""

import base64
import json

import openai
import pytest
from cast import until
from made_files import SILENCE, checksum, opus, packets
from model import model_server, vector

LOOK = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {"what": {"type": "string"}}}}}


@pytest.fixture
async def model():
    async with model_server() as model:
        yield model


@pytest.fixture
async def client(model):
    async with openai.AsyncOpenAI(api_key=model.key, base_url=model.url, max_retries=0) as client:
        yield client


def chat(client, text="Hello", **more):
    messages = more.pop("messages", [{"role": "user", "content": text}])
    return client.chat.completions.create(model="small", messages=messages, **more)


async def test_the_model_says_back_what_nobody_scripted(model, client):
    answer = await chat(client, "Two loaves", reasoning_effort="low")
    assert answer.choices[0].message.content == "You said: Two loaves"
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens > 0
    assert (model.requests[0]["reasoning_effort"], model.prompt()) == ("low", "Two loaves")


async def test_calls_come_alone_or_together_and_may_be_broken(model, client):
    model.script = [
        [{"tool": "look", "args": {"what": "rye"}}, {"tool": "look", "args": {"what": "spelt"}}],
        {"text": "Let me see.", "tools": [{"tool": "look", "raw_args": "{not json"}], "usage": {"prompt_tokens": 7}},
    ]
    both = (await chat(client, tools=[LOOK])).choices[0]
    assert [json.loads(call.function.arguments)["what"] for call in both.message.tool_calls] == ["rye", "spelt"]
    assert (both.finish_reason, model.tools()) == ("tool_calls", ["look"])
    broken = await chat(client, tools=[LOOK])
    assert (broken.choices[0].message.content, broken.usage.prompt_tokens) == ("Let me see.", 7)
    assert broken.choices[0].message.tool_calls[0].function.arguments == "{not json"


async def test_a_tool_that_the_request_insists_on_is_called(model, client):
    answer = await chat(client, tools=[LOOK], tool_choice={"type": "function", "function": {"name": "look"}})
    assert answer.choices[0].message.tool_calls[0].function.name == "look"


async def test_a_stream_holds_the_same_as_the_whole(model, client):
    model.script = [{"text": "Let me see.", "tools": [{"tool": "look", "args": {"what": "rye"}}]}, {"refusal": "I cannot."}]
    async with client.chat.completions.stream(
        model="small", messages=[{"role": "user", "content": "?"}], tools=[LOOK], stream_options={"include_usage": True}
    ) as stream:
        whole = await stream.get_final_completion()
    assert whole.choices[0].message.content == "Let me see."
    assert json.loads(whole.choices[0].message.tool_calls[0].function.arguments) == {"what": "rye"}
    assert whole.usage.completion_tokens > 0
    pieces = [piece async for piece in await chat(client, stream=True)]
    assert "".join(piece.choices[0].delta.refusal or "" for piece in pieces) == "I cannot."
    assert pieces[-1].choices[0].finish_reason == "content_filter"


async def test_statuses_are_shaped_as_openai_shapes_them(model, client):
    model.script = [429, 500]
    with pytest.raises(openai.RateLimitError) as limited:
        await chat(client)
    assert limited.value.response.headers["retry-after"] == "1"
    with pytest.raises(openai.InternalServerError):
        await chat(client)
    with pytest.raises(openai.AuthenticationError, match="Incorrect API key"):
        await chat(client.with_options(api_key="sk-wrong"))
    assert len(model.requests) == 2


async def test_a_model_that_hangs_or_drops_is_left(model, client):
    model.script = ["hang", "drop", "drop"]
    with pytest.raises(openai.APITimeoutError):
        await chat(client.with_options(timeout=0.2))
    await until(lambda: model.abandoned, "the model sees that nobody waits")
    with pytest.raises(openai.APIConnectionError):
        await chat(client)
    with pytest.raises(openai.APIConnectionError):
        [piece async for piece in await chat(client, stream=True)]
    assert (model.most_in_flight, model.in_flight, model.abandoned) == (1, 0, 1)


async def test_an_answer_may_be_late_and_may_be_worked_out(model, client):
    async def worked_out(request):
        return f"{len(request['messages'])} message"

    model.script = [{"delay": 0.02, "then": worked_out}]
    assert (await chat(client)).choices[0].message.content == "1 message"


async def test_a_chat_that_openai_would_refuse_is_refused(model, client):
    lone = [{"role": "user", "content": "?"}, {"role": "tool", "tool_call_id": "call_9", "content": "rye"}]
    with pytest.raises(openai.BadRequestError, match="preceding message"):
        await chat(client, messages=lone)
    with pytest.raises(openai.BadRequestError, match="does not match"):
        await chat(client, tools=[{"type": "function", "function": {"name": "look here", "parameters": {"type": "object"}}}])
    assert len(model.refused) == 2


async def test_results_and_pictures_of_a_request_can_be_looked_at(model, client):
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    call = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    messages = [
        {"role": "system", "content": "You sell bread."},
        {"role": "user", "content": [{"type": "text", "text": "What is this?"}, picture]},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": "a loaf"},
    ]
    await chat(client, messages=messages)
    assert (model.results(), model.pictures(), model.system()) == ([("look", "a loaf")], ["data:image/png;base64,AAAA"], "You sell bread.")


async def test_texts_that_share_words_are_near(model, client):
    asked = ["opening hours of the bakery", "the bakery: hours of opening?", "a cake with cherries"]
    vectors = [item.embedding for item in (await client.embeddings.create(model="e", input=asked)).data]
    near, far = (sum(a * b for a, b in zip(vectors[0], other, strict=True)) for other in vectors[1:])
    assert near > 0.9 > 0.5 > far
    assert vectors[0] == pytest.approx(vector(asked[0]), abs=1e-6)
    plain = await client.embeddings.create(model="e", input=asked[0], encoding_format="float", dimensions=16)
    assert plain.data[0].embedding == vector(asked[0], 16)


async def test_voices_and_pictures_are_real_files(model, client):
    spoken = await client.audio.speech.create(model="s", voice="alloy", input="Your bread is ready to be fetched.", response_format="opus")
    assert checksum(b"123456789") == 0x89A1897F  # the complement of CRC-32/CKSUM's check value
    head, tags, *sound = packets(spoken.content)
    assert (head[:8], tags[:8], sound) == (b"OpusHead", b"OpusTags", [SILENCE] * 150)
    heard = await client.audio.transcriptions.create(model="w", file=("voice.ogg", opus()), language="en")
    assert heard.text == model.transcript
    drawn = await client.images.generate(model="p", prompt="A cake", response_format="b64_json")
    assert base64.b64decode(drawn.data[0].b64_json)[:8] == b"\x89PNG\r\n\x1a\n"
    assert [what for what, _ in model.others] == ["audio/speech", "audio/transcriptions", "images/generations"]
    assert model.others[1][1] == {"model": "w", "bytes": len(opus()), "name": "voice.ogg", "language": "en"}
    model.faults = {"images/generations": [500]}
    with pytest.raises(openai.InternalServerError):
        await client.images.generate(model="p", prompt="A cake")
    assert [item.id async for item in client.models.list()] == ["small", "large", "eyes"]
