"""How an OpenAI-compatible server writes its answers, whole or in a stream, and which chats it refuses."""

import json
import re

from aiohttp import web

TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")


def completion(body, answer, write_call):
    """A scripted answer (text, calls, a refusal) as a `chat.completion`."""
    message = {"role": "assistant", "content": None}
    reason = "stop"
    if isinstance(answer, str):
        message["content"] = answer
    elif "refusal" in answer:
        message["refusal"], reason = answer["refusal"], "content_filter"
    else:
        calls = answer if isinstance(answer, list) else [answer] if "tool" in answer else answer.get("tools", [])
        message["content"] = answer.get("text") if isinstance(answer, dict) else None
        if calls:
            message["tool_calls"], reason = [write_call(call) for call in calls], "tool_calls"
    own = answer if isinstance(answer, dict) else {}
    usage = {"prompt_tokens": len(json.dumps(body)) // 4, "completion_tokens": len(json.dumps(message)) // 4, **own.get("usage", {})}
    usage["total_tokens"] = usage["prompt_tokens"] + usage["completion_tokens"]
    choice = {"index": 0, "message": message, "finish_reason": own.get("finish_reason", reason)}
    named = {"id": "chat-1", "object": "chat.completion", "created": 1771000000, "model": body["model"]}
    return {**named, "choices": [choice], "usage": usage}


def chunks(made, with_usage):
    """The same in a stream: a word at a time, arguments in two halves, and the usage at the end where it was asked for."""
    choice = made["choices"][0]
    named = {**made, "object": "chat.completion.chunk"}
    del named["usage"], named["choices"]
    for delta in [{"role": "assistant", "content": ""}, *_deltas(choice["message"])]:
        yield {**named, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
    yield {**named, "choices": [{"index": 0, "delta": {}, "finish_reason": choice["finish_reason"]}]}
    if with_usage:
        yield {**named, "choices": [], "usage": made["usage"]}


def _deltas(message):
    for key in ("content", "refusal"):
        yield from ({key: word} for word in re.findall(r"\s*\S+\s*|\s+", message.get(key) or ""))
    for index, call in enumerate(message.get("tool_calls") or []):
        arguments = call["function"]["arguments"]
        half = len(arguments) // 2
        yield {"tool_calls": [{**call, "index": index, "function": {**call["function"], "arguments": arguments[:half]}}]}
        yield {"tool_calls": [{"index": index, "function": {"arguments": arguments[half:]}}]}


def complaint(body):
    """What OpenAI would refuse about a chat; None when there is nothing."""
    for tool in body.get("tools") or []:
        name, parameters = tool["function"]["name"], tool["function"].get("parameters", {"type": "object"})
        if not TOOL_NAME.fullmatch(name):
            return f"Invalid 'tools[].function.name': {name!r} does not match '^[a-zA-Z0-9_-]{{1,64}}$'."
        if parameters.get("type") != "object":
            return f"Invalid schema for function {name!r}: schema must be of type 'object'."
    names = [tool["function"]["name"] for tool in body.get("tools") or []]
    if len(names) != len(set(names)):
        return f"Tool names must be unique: {sorted(names)}"
    return _about_calls(body["messages"])


def _about_calls(messages):
    """Every call has its result right behind it, and every result its call right before it."""
    if not messages:
        return "[] is too short - 'messages'"
    open_calls = set()
    for message in messages:
        if message["role"] == "tool":
            if message["tool_call_id"] not in open_calls:
                return "messages with role 'tool' must be a response to a preceding message with 'tool_calls'."
            open_calls.discard(message["tool_call_id"])
            continue
        if open_calls:
            return f"An assistant message with 'tool_calls' must be followed by tool messages. Without response: {sorted(open_calls)}"
        open_calls = {call["id"] for call in message.get("tool_calls") or []}
    return f"Without response: {sorted(open_calls)}" if open_calls else None


def error(status, message, code, headers=None):
    kind = "invalid_request_error" if status < 500 else "server_error"
    kind = {401: "authentication_error", 429: "rate_limit_error"}.get(status, kind)
    shaped = {"error": {"message": message, "type": kind, "param": None, "code": code}}
    return web.json_response(shaped, status=status, headers=headers)
