"""Think: how an agent knows that a delivery is genuine. Checked with the standardwebhooks library, as an agent would."""

import time

from hook import calls
from standardwebhooks import Webhook, WebhookVerificationError


def verified(agent, secret):
    """Whether the library accepts the last delivery; it refuses those that are more than five minutes off."""
    try:
        Webhook(secret).verify(agent.bodies[-1], dict(agent.headers[-1]))
    except WebhookVerificationError:
        return False
    return True


async def test_the_id_stays_the_same_over_retries_and_each_one_is_signed_anew(lumen, echo, dana):
    echo.script = [500, 500]
    await dana.says("Hello")
    for count, pause in enumerate((2, 10, 0), 1):
        await calls(lumen, echo, count)
        assert echo.genuine()
        await lumen.skip(seconds=pause)
    assert {headers["webhook-id"] for headers in echo.headers} == {f"turn_{echo.deliveries[0]['context']['turn_id']}"}
    assert len(set(echo.bodies)) == 1
    # Everybody's time, also where the sandbox's clock was moved: an agent refuses what is more than five minutes off.
    assert all(abs(int(headers["webhook-timestamp"]) - time.time()) < 60 for headers in echo.headers)
    await dana.says("Another one")
    await echo.delivered(4)
    assert echo.headers[3]["webhook-id"] != echo.headers[0]["webhook-id"]


async def test_a_changed_body_or_a_foreign_secret_is_not_genuine(lumen, echo, dana):
    await dana.says("Hello")
    await echo.delivered()
    assert verified(echo, echo.secret)
    assert not verified(echo, "whsec_" + "QUJD" * 8)
    echo.bodies[0] = echo.bodies[0].replace(b"Hello", b"Hallo")
    assert not verified(echo, echo.secret)


async def test_a_rotated_secret_signs_beside_the_old_one_for_a_day(lumen, echo, dana):
    old = echo.secret
    new = (await lumen.post(f"/agents/{echo.id}/rotate-secret/"))["byoa"]["secret"]
    assert new.startswith("whsec_")
    assert new != old
    await dana.says("During the change-over")
    await echo.delivered()
    assert len(echo.headers[0]["webhook-signature"].split()) == 2
    assert verified(echo, old)
    assert verified(echo, new)

    await lumen.skip(hours=23)
    await dana.says("Still")
    await echo.delivered(2)
    assert verified(echo, old)
    assert verified(echo, new)

    await lumen.skip(hours=1)
    await dana.says("After it")
    await echo.delivered(3)
    assert len(echo.headers[2]["webhook-signature"].split()) == 1
    assert verified(echo, new)
    assert not verified(echo, old)


async def test_a_second_rotation_within_the_day_ends_the_oldest_secret_at_once(lumen, echo, dana):
    first = echo.secret
    second = (await lumen.post(f"/agents/{echo.id}/rotate-secret/"))["byoa"]["secret"]
    third = (await lumen.post(f"/agents/{echo.id}/rotate-secret/"))["byoa"]["secret"]
    await dana.says("Hello")
    await echo.delivered()
    assert [verified(echo, secret) for secret in (first, second, third)] == [False, True, True]


async def test_the_secret_is_shown_once(lumen, echo):
    secret = (await lumen.post(f"/agents/{echo.id}/rotate-secret/"))["byoa"]["secret"]
    again = await lumen.get(f"/agents/{echo.id}/")
    assert again["byoa"]["secretHint"] == f"whsec_…{secret[-5:]}"
    assert secret not in str(again)
    assert secret not in str(await lumen.get("/agents/"))
