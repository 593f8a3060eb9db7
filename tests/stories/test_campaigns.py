"""A campaign reaches people: each with the own name, once, in the hours it may; the assistant answers who replies."""

import pytest
from campaigning import Campaigns
from cast import Phone


@pytest.fixture
async def campaigns(lumen, model):
    return await Campaigns.of(lumen, model)


@pytest.fixture
async def carol(lumen):
    """A second customer who shows her number."""
    return await Phone.of(lumen, name="Carol", phone="+15550007891")


async def test_a_campaign_reaches_everybody_with_the_own_name_and_the_assistant_answers(campaigns, model, dana, carol):
    await campaigns.name(dana)
    await campaigns.name(carol, "Zoë")
    model.script = ["Until six."]
    rye = await campaigns.create([dana, carol])
    assert await dana.hears_text(1) == ["Hello Dana, rye is fresh today."]
    assert await carol.hears_text(1) == ["Hello Zoë, rye is fresh today."]
    await campaigns.completed(rye)
    await dana.says("Until when?")
    assert await dana.hears_text(2) == ["Hello Dana, rye is fresh today.", "Until six."]
    assert "Hello Dana, rye is fresh today." in str(model.requests[-1])
    counts = await campaigns.counts(rye, delivered=2, replied=1)
    assert (counts["total"], counts["sent"], counts["failed"], counts["queued"], counts["pending"]) == (2, 2, 0, 0, 0)


async def test_values_come_from_columns_from_variables_and_from_the_campaign(campaigns, dana, carol):
    await campaigns.name(dana, columns={"city": "Lisbon"})
    await campaigns.name(carol, columns={"city": "Porto"})
    by_place = {"body_params": {"is_static": False, "params": ["{{customer.city}}"]}}
    await campaigns.create([dana, carol], data=by_place)
    assert await dana.hears_text(1) == ["Hello Lisbon, rye is fresh today."]
    await campaigns.create([dana, carol], data=by_place, variables=[{"city": "Rome"}, {"city": "Paris"}])
    assert (await carol.hears_text(2))[1] == "Hello Paris, rye is fresh today."
    people = [{"id": "b", "to_number": "+1 555 000 7890"}, {"id": "a", "to_number": "+15550007891"}]
    await campaigns.create(people, data=by_place, variables=[{"customer_id": "a", "city": "Oslo"}, {"customer_id": "b", "city": "Bern"}])
    assert (await dana.hears_text(3))[2] == "Hello Bern, rye is fresh today."
    assert (await carol.hears_text(3))[2] == "Hello Oslo, rye is fresh today."
    await campaigns.create([dana], data={"body_params": {"is_static": True, "params": [{"text": "friend"}]}})
    assert (await dana.hears_text(4))[3] == "Hello friend, rye is fresh today."


async def test_who_cannot_be_reached_fails_alone_and_with_the_reason(campaigns, lumen, dana, carol):
    await campaigns.name(dana)
    nobody = await Phone.of(lumen, name="Ned", phone="+15550007893", on_whatsapp=False)
    await campaigns.name(nobody)
    people = [{"to_number": "call me"}, {"id": "4711"}, carol, nobody, dana]
    rye = await campaigns.create(people)
    assert await dana.hears_text(1) == ["Hello Dana, rye is fresh today."]
    counts = await campaigns.counts(rye, failed=4, delivered=1)
    reasons = {one["reason"]: one["count"] for one in counts["failed_reasons"]}
    assert set(reasons.values()) == {1}
    text = " / ".join(reasons)
    for part in ("is no phone number", "no customer with this id", "no value for name", "WhatsApp"):
        assert part in text
    assert [one["given"] for one in await campaigns.recipients(rye, "?status=failed")] == [
        "call me",
        "4711",
        "+15550007891",
        "+15550007893",
    ]


async def test_a_customer_is_found_by_the_id_too_and_nobody_is_written_to_twice(campaigns, dana):
    customer = await campaigns.name(dana)
    rye = await campaigns.create([{"id": customer}, dana, {"to_number": "001 (555) 000-7890"}])
    await campaigns.completed(rye)
    assert len(await dana.hears(1)) == 1
    counts = await campaigns.counts(rye, sent=1)
    assert (counts["total"], counts["duplicates"]) == (1, 2)


async def test_who_said_stop_is_passed_by_whatever_the_campaign_says(campaigns, dana, carol):
    await campaigns.name(dana)
    await campaigns.name(carol)
    await dana.says("STOP")
    await dana.hears(1)
    rye = await campaigns.create([dana, carol], settings={"ignore_suppression": True})
    assert await carol.hears_text(1) == ["Hello Carol, rye is fresh today."]
    counts = await campaigns.counts(rye, skipped=1, delivered=1)
    assert counts["skipped_reasons"] == [{"reason": "asked not to be written to (STOP)", "count": 1}]
    assert len(await dana.heard()) == 1  # the answer to STOP


async def test_the_suppression_list_is_the_businesss_own_and_may_be_ignored(campaigns, dana):
    await campaigns.name(dana)
    await campaigns.second.call("POST", "/_campaigns/suppressions", {"phones": ["+15550007890"], "reason": "moved away"})
    rye = await campaigns.create([dana])
    counts = await campaigns.counts(rye, skipped=1)
    assert counts["skipped_reasons"] == [{"reason": "is on the suppression list: moved away", "count": 1}]
    await campaigns.create([dana], settings={"ignore_suppression": True})
    await dana.hears(1)
    await campaigns.second.call("DELETE", "/_campaign/suppressions/15550007890")
    await campaigns.create([dana])
    await dana.hears(2)


async def test_two_numbers_share_a_campaign(campaigns, lumen, second, dana, carol):
    await lumen.control("POST", "/templates", {"name": "rye_day", "body": "Hello {{1}}!", "language": "en", "waba_id": "102290000000002"})
    await campaigns.name(dana)
    await campaigns.name(carol)
    rye = await campaigns.create([dana, carol], settings={"from_numbers": ["106540000000001", "+1 555 000 5678"]})
    await campaigns.completed(rye)
    await campaigns.counts(rye, delivered=2)
    assert sorted(entry["phone_number_id"] for entry in await lumen.ledger() if entry["type"] == "template") == [
        "106540000000001",
        "106540000000002",
    ]


async def test_other_channels_say_what_is_missing(campaigns, dana):
    for kind, word in {"EMAIL": "bulk mail", "SMS": "text message", "call": "telephone", "VOICE": "telephone"}.items():
        [error] = await campaigns.refused([dana], code=501, type=kind)
        assert word in error["message"], error


WRONG = {
    "touchpoint.additional_settings.start_hour": {"settings": {"start_hour": 24}},
    "touchpoint.additional_settings.end_hour": {"settings": {"start_hour": 9, "end_hour": 9}},
    "touchpoint.additional_settings.execution_days[1]": {"settings": {"execution_days": ["Mon", "Someday"]}},
    "touchpoint.additional_settings.time_zone": {"settings": {"time_zone": "Mars/Olympus"}},
    "touchpoint.additional_settings.delay": {"settings": {"delay": -1}},
    "touchpoint.additional_settings.from_numbers[0]": {"settings": {"from_numbers": ["4711"]}},
    "touchpoint.additional_settings.hour": {"settings": {"hour": 9}},
    "touchpoint.assistant_id": {"assistant_id": 999999},
    "touchpoint.start_at": {"start_at": "soon"},
    "touchpoint.status": {"status": "later"},
    "touchpoint.customer_details": {"customer_details": []},
    "touchpoint.customer_details[0].phone": {"customer_details": [{"phone": "+15550007890"}]},
    "touchpoint.whatsapp_data.template": {"data": {"language_code": "de"}},
    "touchpoint.whatsapp_data.body_params": {"data": {"body_params": {"params": ["a", "b"]}}},
    "touchpoint.whatsapp_data.body_params.params[0]": {"data": {"body_params": {"params": [{"a": 1, "b": 2}]}}},
    "touchpoint.attachment_url": {"attachment_url": "https://lumen.example/menu.pdf"},
    "touchpoint.variables": {"variables": [{}, {}]},
}


@pytest.mark.parametrize("field", WRONG)
async def test_what_is_wrong_is_named_by_its_whole_path(campaigns, dana, field):
    [error] = await campaigns.refused([dana], **WRONG[field])
    assert error["field"] == field, error
    assert error["message"]


async def test_a_picture_of_the_campaign_stands_above_the_text(campaigns, lumen, dana):
    await lumen.control(
        "POST",
        "/templates",
        {"name": "menu", "language": "en", "components": [{"type": "HEADER", "format": "IMAGE"}, {"type": "BODY", "text": "The menu."}]},
    )
    await campaigns.create([dana], data={"template": "menu", "body_params": None}, attachment_url="https://lumen.example/menu")
    [said] = await dana.hears(1)
    assert said["text"] == "The menu."
    [entry] = [entry for entry in await lumen.ledger() if entry["type"] == "template"]
    assert entry["body"]["template"]["components"][0]["parameters"] == [{"type": "image", "image": {"link": "https://lumen.example/menu"}}]
