"""Another program of the business lets an agent write first."""

from native import hire


async def call(lumen, trigger, body, secret, **headers):
    headers = {"X-wassist-secret": secret, **headers}
    async with lumen.session.post(trigger["url"], json=body, headers=headers) as answer:
        return answer.status, await answer.json()


async def ready(lumen, model, **more):
    await lumen.control("POST", "/templates", {"name": "order_ready", "body": "Your order is ready."})
    agent = await hire(lumen, model, outboundTriggers=[{"templateName": "order_ready", "secret": "a-long-enough-secret", **more}])
    return agent, agent["outboundTriggers"][0]


async def test_a_trigger_sends_its_template_and_the_agent_answers_the_reply(lumen, model, dana):
    agent, trigger = await ready(lumen, model)
    assert trigger["secret"] == "••••cret"
    status, body = await call(lumen, trigger, {"to": dana.person["phone"]}, "a-long-enough-secret")
    assert status == 201, body
    [said] = await dana.hears(1)
    assert said["type"] == "template"
    conversation = await lumen.get(f"/conversations/{body['conversationId']}/")
    assert conversation["activeAgent"]["id"] == agent["id"]
    model.script = ["Yes, it is ready."]
    await dana.says("Really?")
    assert (await dana.hears_text(2))[1] == "Yes, it is ready."


async def test_a_wrong_secret_and_an_unknown_trigger_look_the_same(lumen, model, dana):
    _, trigger = await ready(lumen, model)
    wrong = await call(lumen, trigger, {"to": dana.person["phone"]}, "not-the-secret-at-all")
    unknown = await call(lumen, {"url": f"{lumen.url}/chats/outbound/01890000-0000-7000-8000-000000000000"}, {}, "a-long-enough-secret")
    assert wrong == unknown
    assert wrong[0] == 401


async def test_too_many_variables_are_refused_before_anything_is_sent(lumen, model, dana):
    _, trigger = await ready(lumen, model)
    status, body = await call(lumen, trigger, {"to": dana.person["phone"], "variables": {"body": ["Dana"]}}, "a-long-enough-secret")
    assert (status, body["field"]) == (400, "variables.body")
    assert await dana.heard() == []


async def test_the_same_key_sends_once(lumen, model, dana):
    _, trigger = await ready(lumen, model)
    key = {"Idempotency-Key": "order-4711"}
    first = await call(lumen, trigger, {"to": dana.person["phone"]}, "a-long-enough-secret", **key)
    second = await call(lumen, trigger, {"to": dana.person["phone"]}, "a-long-enough-secret", **key)
    assert first == second
    assert len(await dana.hears(1)) == 1


async def test_a_trigger_that_is_switched_off_says_so(lumen, model, dana):
    _, trigger = await ready(lumen, model, enabled=False)
    status, body = await call(lumen, trigger, {"to": dana.person["phone"]}, "a-long-enough-secret")
    assert (status, body["code"]) == (403, "trigger_disabled")


async def test_a_secret_that_nobody_set_is_made_and_shown(lumen, model, dana):
    _, trigger = await ready(lumen, model)
    made = await hire(lumen, model, outboundTriggers=[{"templateName": "order_ready"}])
    [trigger] = made["outboundTriggers"]
    status, _ = await call(lumen, trigger, {"to": dana.person["phone"]}, trigger["secret"])
    assert status == 201


async def test_somebody_who_said_stop_is_not_written_to(lumen, model, dana):
    _, trigger = await ready(lumen, model)
    await call(lumen, trigger, {"to": dana.person["phone"]}, "a-long-enough-secret")
    await dana.hears(1)
    await dana.says("STOP")
    await dana.hears(2)
    status, body = await call(lumen, trigger, {"to": dana.person["phone"]}, "a-long-enough-secret")
    assert (status, body["code"]) == (409, "opted_out")
