"""Customers: the people a business talks to, with what it knows of them."""

import re
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query
from pydantic import AfterValidator, BeforeValidator, Field

from dragoman.api.v2.auth import Authenticated, Wired
from dragoman.api.v2.envelope import Deleted, Got, Made, got, made
from dragoman.api.v2.models import Input, Shape
from dragoman.api.v2.paging import Listed, Paged
from dragoman.api.v2.routing import router
from dragoman.conversations import contacts
from dragoman.conversations.contacts import Contact, Wanted
from dragoman.errors import Invalid

routes = router("Customers")

MOST_COLUMNS = 100


def _columns(columns: dict[str, Any]) -> dict[str, Any]:
    if len(columns) > MOST_COLUMNS:
        raise ValueError(f"at most {MOST_COLUMNS} at once")
    for name, value in columns.items():
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,62}", name):
            raise ValueError(f"{name[:63]!r} is no name of a column; use small letters, digits and _")
        if not isinstance(value, str | int | float | bool | None) or len(str(value)) > 4000:
            raise ValueError(f"{name} must be a text of up to 4000 characters, a number, true, false, or null to remove it")
    return columns


def _no_repeats(tags: list[str]) -> list[str]:
    return list(dict.fromkeys(tags))


def _is_email(value: str) -> str:
    if not re.fullmatch(r"[^@\s,;<>\"]+@[^@\s,;<>\"]+", value):
        raise ValueError("must be an e-mail address")
    return value


Name = Annotated[str | None, Field(max_length=255)]
Email = Annotated[
    Annotated[str, Field(max_length=320), AfterValidator(_is_email)] | None, BeforeValidator(lambda value: None if value == "" else value)
]
Tags = Annotated[list[Annotated[str, Field(min_length=1, max_length=100)]], Field(max_length=100), AfterValidator(_no_repeats)]
Columns = Annotated[
    dict[str, Any], AfterValidator(_columns), Field(description="Columns of your own, such as customer_timezone; null removes one")
]
Phone = Annotated[str, Field(max_length=40, description="E.164", examples=["+15550007890"])]


class CustomerChanges(Input):
    """Fields that are left out stay."""

    name: Name = None
    phone: Phone = ""
    email: Email = None
    tags: Tags = Field(default_factory=list)
    columns: Columns = Field(default_factory=dict)


class NewCustomer(CustomerChanges):
    phone: Phone


class Customer(Shape):
    id: UUID
    name: str | None
    phone: str | None = Field(description="E.164; null when WhatsApp hides it")
    email: str | None
    tags: list[str]
    columns: dict[str, Any]
    opted_out: bool = Field(description="Said STOP, or switched marketing off: gets no templates")
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, contact: Contact) -> "Customer":
        return cls(
            id=contact.id,
            name=contact.name,
            phone=f"+{contact.phone}" if contact.phone else None,
            email=contact.email,
            tags=contact.tags,
            columns=contact.columns,
            opted_out=contact.opted_out_at is not None,
            created_at=contact.created_at,
            updated_at=contact.updated_at,
        )


class CustomerRef(Shape):
    id: UUID
    name: str | None


@routes.get("/_customers", summary="List customers")
async def list_customers(
    caller: Authenticated,
    services: Wired,
    paged: Paged,
    phone: Annotated[str | None, Query(max_length=40, description="Our addition: only with this number")] = None,
    tag: Annotated[str | None, Query(max_length=100, description="Our addition: only with this tag")] = None,
) -> Got[Listed[Customer]]:
    """Newest first."""
    only = {"phone": contacts.digits(phone, "phone") if phone else None, "tag": tag or None}
    found = await contacts.listing(services.db, caller.organisation_id, limit=paged.limit, offset=paged.offset, **only)
    return paged.listed([Customer.of(contact) for contact in found.items], found.total)


@routes.post("/_customers", status_code=201, summary="Create a customer")
async def create_customer(new: NewCustomer, caller: Authenticated, services: Wired) -> Made[CustomerRef]:
    where = (services.db, services.clock, caller.organisation_id)
    [one] = await contacts.create(
        services.db, services.vault, services.clock, caller.organisation_id, [Wanted(contacts.digits(new.phone, "phone"), new.name)]
    )
    if not one.is_new:
        raise Invalid(f"phone: a customer has this number already: {one.contact.id}", field="phone")
    more: dict[str, Any] = {name: getattr(new, name) for name in ("email", "tags", "columns") if name in new.model_fields_set}
    contact = await contacts.change(*where, one.contact.id, more)
    return made(CustomerRef(id=contact.id, name=contact.name))


@routes.get("/_customers/{customer_id}", summary="Read a customer")
async def read_customer(customer_id: UUID, caller: Authenticated, services: Wired) -> Got[Customer]:
    return got(Customer.of(await contacts.read(services.db, caller.organisation_id, customer_id)))


@routes.put("/_customers/{customer_id}", summary="Change a customer")
async def update_customer(customer_id: UUID, sent: CustomerChanges, caller: Authenticated, services: Wired) -> Got[CustomerRef]:
    """Fields that are left out stay; of `columns`, those that are not named."""
    values = {name: getattr(sent, name) for name in sent.model_fields_set}
    if "phone" in values:
        values["phone"] = contacts.digits(sent.phone, "phone")
    contact = await contacts.change(services.db, services.clock, caller.organisation_id, customer_id, values)
    return got(CustomerRef(id=contact.id, name=contact.name))


@routes.delete("/_customers/{customer_id}", summary="Delete a customer")
async def delete_customer(customer_id: UUID, caller: Authenticated, services: Wired) -> Got[Deleted]:
    """What you know of the person is forgotten. The conversation is kept, and so is a STOP; who writes again is met anew."""
    await contacts.forget(services.db, services.clock, caller.organisation_id, customer_id)
    return got(Deleted(id=str(customer_id)))
