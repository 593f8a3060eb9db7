"""Pages of a list: `?offset=&limit=` and the envelope `{count, next, previous, results}` with absolute addresses."""

from typing import Annotated, Any, Generic, NamedTuple, TypeVar, get_args
from urllib.parse import parse_qsl, urlencode

from fastapi import Depends, Query, Request

from dragoman.api.route import services_of
from dragoman.api.v1.models import Shape

DEFAULT_LIMIT = 20
LARGEST_LIMIT = 100
LARGEST_OFFSET = 2**31 - 1

Item = TypeVar("Item")


class Page(Shape, Generic[Item]):
    """One page of a longer list."""

    count: int
    next: str | None
    previous: str | None
    results: list[Item]

    @classmethod
    def model_parametrized_name(cls, params: tuple[Any, ...]) -> str:
        # A page of `Agent | AgentObject` is an AgentPage in the document.
        first = (get_args(params[0]) or params)[0]
        return f"{first.__name__}Page"


class Slice(NamedTuple):
    """Which part of a list was asked for. `page()` puts the rows and the total into the envelope."""

    offset: int
    limit: int
    address: str
    query: list[tuple[str, str]]

    def page(self, results: list[Item], count: int) -> Page[Item]:
        following, earlier = self.offset + self.limit, max(0, self.offset - self.limit)
        return Page(
            count=count,
            next=self._at(following) if following < count else None,
            previous=self._at(earlier) if self.offset > 0 else None,
            results=results,
        )

    def _at(self, offset: int) -> str:
        others = [(name, value) for name, value in self.query if name not in ("offset", "limit")]
        return f"{self.address}?{urlencode([*others, ('limit', self.limit), ('offset', offset)])}"


def _slice(
    request: Request,
    offset: Annotated[int, Query(ge=0, le=LARGEST_OFFSET, description="How many to leave out at the start")] = 0,
    limit: Annotated[
        int, Query(ge=1, description=f"How many to show; more than {LARGEST_LIMIT} is read as {LARGEST_LIMIT}")
    ] = DEFAULT_LIMIT,
) -> Slice:
    address = services_of(request).settings.public_url + request.url.path
    return Slice(offset, min(limit, LARGEST_LIMIT), address, parse_qsl(request.url.query, keep_blank_values=True))


Paged = Annotated[Slice, Depends(_slice)]
