"""Who writes, if it were known by where he stands in a webhook or by a name that he gave himself."""

import test_in_identity as of_identity
from meta import ZOE
from test_in_identity import meta
from tests.security.switched import fails
from tests.stories.conftest import lumen, overrides, role, session
from tests.whatsapp import test_events_hostile as of_events

from dragoman.conversations import identity, inbox_queries
from dragoman.whatsapp import events


class First(dict):
    """Whoever is asked for, it is the first one."""

    def get(self, name, default=None):
        return next(iter(self.values()), default)


async def test_who_is_known_by_his_place_is_taken_for_another(monkeypatch):
    people = events._people
    monkeypatch.setattr(events, "_people", lambda contacts: First(people(contacts)))
    await fails(of_events.test_a_person_is_found_by_bsuid_first_then_by_phone_and_never_by_place, because="Zoë")


async def test_who_takes_a_name_is_taken_for_the_one_who_had_it(monkeypatch, lumen, meta):
    """Zora calls herself as Zoë did, and would write in Zoë's conversation."""
    by_id = identity._who

    async def by_name_too(connection, organisation_id, senders):
        senders = list(senders)
        found = await by_id(connection, organisation_id, senders)
        for sender in senders:
            names = {"organisation_id": organisation_id, "kinds": ["username"], "values": [sender.username]}
            if known := await (await connection.execute(inbox_queries.WHO, names)).fetchone():
                found["bsuid", sender.bsuid] = known
        return found

    monkeypatch.setattr(identity, "_who", by_name_too)
    await fails(of_identity.test_a_username_that_somebody_else_took_is_no_longer_the_old_ones, lumen, meta, because="zoe.k")
    known = await of_identity.contact(lumen, bsuid=ZOE.bsuid)
    assert known["id"] == (await of_identity.contact(lumen, username="zoe.k"))["id"]
    assert known["bsuid"] != ZOE.bsuid
    assert await of_identity.everything(lumen) == {"messages": 2, "conversations": 1, "contacts": 1, "contact_identities": 3}
