"""Contacts: the people a business talks to. One phone number is one contact."""

from typing import Annotated
from uuid import UUID

from fastapi import Response
from pydantic import Field

from dragoman.api.v1.auth import Authenticated, Wired
from dragoman.api.v1.conversation_shapes import Contact
from dragoman.api.v1.models import Input
from dragoman.api.v1.paging import Page, Paged
from dragoman.api.v1.routing import router
from dragoman.conversations import contacts, willing
from dragoman.conversations.contacts import Wanted, digits
from dragoman.errors import Invalid

routes = router("Contacts")

Name = Annotated[str | None, Field(max_length=255, description="As your business calls the person")]


class CreateContactInput(Input):
    phone_number: Annotated[
        str, Field(max_length=40, description="With its country code, in any usual spelling", examples=["+15550007890"])
    ]
    name: Name = None


class CreateContactsInput(Input):
    contacts: Annotated[list[CreateContactInput], Field(min_length=1, max_length=1000)]


class ChangeContactInput(Input):
    name: Name = None
    opted_out: Annotated[bool | None, Field(strict=True, description="Our addition: false when you have the person's word again")] = None


@routes.get("/contacts/", summary="List contacts")
async def list_contacts(caller: Authenticated, services: Wired, paged: Paged) -> Page[Contact]:
    """Newest first."""
    found = await contacts.listing(services.db, caller.organisation_id, limit=paged.limit, offset=paged.offset)
    return paged.page([Contact.of(contact) for contact in found.items], found.total)


@routes.post(
    "/contacts/", status_code=201, summary="Create a contact", responses={200: {"model": Contact, "description": "It existed already"}}
)
async def create_contact(new: CreateContactInput, caller: Authenticated, services: Wired, response: Response) -> Contact:
    """201 with a new contact; 200 with the one that has this phone number, as it is."""
    wanted = Wanted(digits(new.phone_number), new.name)
    [made] = await contacts.create(services.db, services.vault, services.clock, caller.organisation_id, [wanted])
    response.status_code = 201 if made.is_new else 200
    return Contact.of(made.contact)


@routes.post("/contacts/bulk/", status_code=201, summary="Create many contacts")
async def create_contacts(new: CreateContactsInput, caller: Authenticated, services: Wired) -> list[Contact]:
    """All of them or, when one is wrong, none. The answer is in the order of the request; contacts that exist stay as they are."""
    wanted = [Wanted(digits(one.phone_number, f"contacts.{index}.phoneNumber"), one.name) for index, one in enumerate(new.contacts)]
    made = await contacts.create(services.db, services.vault, services.clock, caller.organisation_id, wanted)
    return [Contact.of(one.contact) for one in made]


@routes.get("/contacts/{contact_id}/", summary="Get a contact")
async def get_contact(contact_id: UUID, caller: Authenticated, services: Wired) -> Contact:
    """When two contacts turned out to be one person, either id shows the one that was kept."""
    return Contact.of(await contacts.read(services.db, caller.organisation_id, contact_id))


@routes.patch("/contacts/{contact_id}/", summary="Change a contact")
async def rename_contact(contact_id: UUID, change: ChangeContactInput, caller: Authenticated, services: Wired) -> Contact:
    """Fields that are left out stay."""
    if not change.model_fields_set:
        raise Invalid("name is missing; send name or optedOut", field="name")
    if change.opted_out is not None:
        contact = await contacts.read(services.db, caller.organisation_id, contact_id)
        await willing.allow(services, caller.organisation_id, contact.id, change.opted_out)
    if "name" not in change.model_fields_set:
        return Contact.of(await contacts.read(services.db, caller.organisation_id, contact_id))
    return Contact.of(await contacts.change(services.db, services.clock, caller.organisation_id, contact_id, {"name": change.name}))
