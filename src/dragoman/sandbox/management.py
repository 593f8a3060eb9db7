"""Which endpoint answers a Graph call that is not about messages: a table by the kind of object and the edge behind it."""

from dragoman.sandbox import number_edges, subscriptions, template_edges
from dragoman.sandbox.answers import answer
from dragoman.sandbox.failures import GraphError, no_such_object
from dragoman.sandbox.graph import Answer, Call, Endpoint


def find(call: Call) -> Endpoint:
    """Raises GraphError 100/33 for an object or edge that is not there (190 before that, when the token is not good)."""
    parts, method = call.parts, call.method
    if (fixed := FIXED.get((method, "/".join(parts)))) is not None:
        return fixed
    if parts[0].startswith("upload:"):
        return upload_part
    edge = parts[1] if len(parts) > 1 else ""
    if endpoint := EDGES.get((_kind(call), method, edge)):
        return endpoint
    call.token()
    if parts == [""]:
        raise GraphError(100, "Unsupported request.")
    raise no_such_object(parts[0])


def _kind(call: Call) -> str:
    state, object_id = call.box.world.state, call.parts[0]
    for kind, objects in (("number", state.numbers), ("waba", state.wabas), ("app", state.apps), ("template", state.templates)):
        if object_id in objects:
            return kind
    return ""


async def calling(call: Call) -> Answer:
    call.number(call.parts[0])
    raise GraphError(138000, "Calling is not enabled on this number (the sandbox has no calls).")


async def flows(call: Call) -> Answer:
    """A stub: flows can be made, and do nothing."""
    call.waba(call.parts[0])
    if call.method == "GET":
        return answer({"data": []})
    return answer({"id": call.box.world.decimal_id(), "success": True, "validation_errors": []})


async def start_upload(call: Call) -> Answer:
    call.token()
    return answer({"id": f"upload:{call.box.world.decimal_id()}"})


async def upload_part(call: Call) -> Answer:
    """A resumable upload: its handle may stand as a template's example or a profile picture."""
    call.token()
    if call.method == "GET":
        return answer({"id": call.parts[0], "file_offset": 0})
    return answer({"h": f"4::{call.parts[0].removeprefix('upload:')}"})


FIXED: dict[tuple[str, str], Endpoint] = {
    ("GET", "oauth/access_token"): subscriptions.access_token,
    ("POST", "oauth/access_token"): subscriptions.access_token,
    ("GET", "debug_token"): subscriptions.debug_token,
}

EDGES: dict[tuple[str, str, str], Endpoint] = {
    ("number", "GET", ""): number_edges.show,
    ("number", "POST", ""): number_edges.change,
    ("number", "POST", "register"): number_edges.register,
    ("number", "POST", "deregister"): number_edges.deregister,
    ("number", "POST", "request_code"): number_edges.request_code,
    ("number", "POST", "verify_code"): number_edges.verify_code,
    ("number", "GET", "settings"): number_edges.settings,
    ("number", "POST", "settings"): number_edges.settings,
    ("number", "GET", "whatsapp_business_profile"): number_edges.profile,
    ("number", "POST", "whatsapp_business_profile"): number_edges.change_profile,
    ("number", "POST", "conversational_automation"): number_edges.automate,
    ("number", "GET", "username"): number_edges.username,
    ("number", "POST", "username"): number_edges.change_username,
    ("number", "DELETE", "username"): number_edges.drop_username,
    ("number", "GET", "message_qrdls"): number_edges.links,
    ("number", "POST", "message_qrdls"): number_edges.make_link,
    ("number", "DELETE", "message_qrdls"): number_edges.drop_link,
    ("number", "GET", "block_users"): number_edges.blocked,
    ("number", "POST", "block_users"): number_edges.block,
    ("number", "DELETE", "block_users"): number_edges.unblock,
    ("number", "POST", "calls"): calling,
    ("waba", "GET", ""): subscriptions.show_waba,
    ("waba", "GET", "phone_numbers"): subscriptions.numbers,
    ("waba", "GET", "subscribed_apps"): subscriptions.subscribed,
    ("waba", "POST", "subscribed_apps"): subscriptions.subscribe,
    ("waba", "DELETE", "subscribed_apps"): subscriptions.unsubscribe,
    ("waba", "GET", "message_templates"): template_edges.listing,
    ("waba", "POST", "message_templates"): template_edges.create,
    ("waba", "DELETE", "message_templates"): template_edges.delete,
    ("waba", "GET", "flows"): flows,
    ("waba", "POST", "flows"): flows,
    ("template", "GET", ""): template_edges.show,
    ("template", "POST", ""): template_edges.edit,
    ("template", "POST", "unpause"): template_edges.unpause,
    ("app", "POST", "subscriptions"): subscriptions.set_callback,
    ("app", "GET", "subscriptions"): subscriptions.callbacks,
    ("app", "POST", "uploads"): start_upload,
}
