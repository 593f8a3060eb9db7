"""What the business's own programs start: conversations, and messages in them."""

from uuid import UUID

from dragoman.accounts import numbers
from dragoman.agents import records
from dragoman.conversations import contacts, outbox, ownership, reading
from dragoman.conversations import sending_queries as queries
from dragoman.conversations.contacts import Wanted
from dragoman.conversations.reading import Message
from dragoman.conversations.services import Services
from dragoman.errors import Invalid
from dragoman.ids import new_id
from dragoman.whatsapp.content import Outgoing


async def open_conversation(services: Services, organisation_id: UUID, to: str, sender: str | None, agent_id: UUID | None = None) -> UUID:
    """The conversation with the phone number `to`, in digits, on our number `sender` (or the only one we have).

    One that exists is found. `agent_id` answers in it from now on; without, a new one is answered as its number says.
    """
    if agent_id is not None:
        await records.get(services.db, organisation_id, agent_id)
    number_id = await _number(services, organisation_id, sender)
    [made] = await contacts.create(services.db, services.vault, services.clock, organisation_id, [Wanted(to)])
    wanted = {"id": new_id(), "number_id": number_id, "contact_id": made.contact.id}
    row = await services.db.fetch_one(queries.OPEN, {"organisation_id": organisation_id, **wanted, "now": services.clock.now()})
    assert row is not None  # noqa: S101
    conversation_id: UUID = row["id"]
    if agent_id is not None and row["agent_id"] != agent_id:
        await ownership.route(services, organisation_id, conversation_id, "agent", agent_id)
    return conversation_id


async def send(services: Services, organisation_id: UUID, conversation_id: UUID, content: Outgoing, form: str) -> Message:
    """Say `content` and read it back. `form` is how the dialect calls what its client sent, so that it is shown to it as that."""
    saying = outbox.prepare(organisation_id, conversation_id, [content], author="api")
    async with services.db.transaction() as connection:
        await outbox.speak(services, saying, connection)
        scope = {"organisation_id": organisation_id, "conversation_id": conversation_id, "ids": saying.ids}
        await connection.execute(queries.REMEMBER_FORM, {**scope, "form": form})
    [message] = await reading.messages_by_id(services.db, organisation_id, conversation_id, saying.ids)
    return message


async def _number(services: Services, organisation_id: UUID, sender: str | None) -> UUID:
    if sender is not None:
        return (await numbers.by_digits(services.db, organisation_id, sender)).id
    own = await numbers.listing(services.db, organisation_id)
    if len(own) != 1:
        raise Invalid(f"you have {len(own)} numbers; say in fromNumber which one writes", field="fromNumber")
    return own[0].id
