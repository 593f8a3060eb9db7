"""Pages of a list: `?page=&per_page=` and `{data: […], pagination: {…}}`."""

from typing import Annotated, Any, Generic, NamedTuple, TypeVar

from fastapi import Depends, Query
from pydantic import BaseModel

from dragoman.api.v2.envelope import Got, got

Item = TypeVar("Item")

LAST_PAGE = 2**31 // 100


class Pagination(BaseModel):
    current_page: int
    per_page: int
    total_records: int
    total_pages: int
    has_next: bool


class Listed(BaseModel, Generic[Item]):
    data: list[Item]
    pagination: Pagination

    @classmethod
    def model_parametrized_name(cls, params: tuple[Any, ...]) -> str:
        return f"{params[0].__name__}List"


class Slice(NamedTuple):
    """Which part of a list was asked for. `listed` puts the rows and the total into the envelope."""

    page: int
    per_page: int

    @property
    def limit(self) -> int:
        return self.per_page

    @property
    def offset(self) -> int:
        return (self.page - 1) * self.per_page

    def listed(self, items: list[Item], total: int) -> Got[Listed[Item]]:
        pages = -(-total // self.per_page)
        block = Pagination(
            current_page=self.page, per_page=self.per_page, total_records=total, total_pages=pages, has_next=self.page < pages
        )
        return got(Listed(data=items, pagination=block))


def _slice(
    page: Annotated[int, Query(ge=1, le=LAST_PAGE)] = 1,
    per_page: Annotated[int, Query(ge=1, le=100)] = 10,
) -> Slice:
    return Slice(page, per_page)


Paged = Annotated[Slice, Depends(_slice)]
