"""What a model says, without links to places that its business has not listed: `linkDomains` of an agent, strict when it is set."""

from collections.abc import Iterable
from dataclasses import dataclass

from msgspec.structs import replace
from prometheus_client import Counter

from dragoman.agents import links
from dragoman.whatsapp import limits
from dragoman.whatsapp.content import Button, Buttons, Choices, ContactCard, LinkButton, Location, Media, Outgoing, Reaction, Row, Text

REMOVED = Counter("dragoman_links_removed_total", "Links that agents were not allowed to send, taken out of what they said")


@dataclass
class Strict:
    """One turn's filter. `domains` None lets everything pass; `removed` counts what was taken out."""

    domains: list[str] | None
    removed: int = 0

    def contents(self, contents: Iterable[Outgoing]) -> list[Outgoing]:
        """What the model says, filtered. A link button to another place becomes a text, a reaction with a link nothing."""
        if self.domains is None:
            return list(contents)
        return [kept for content in contents for kept in self._content(content)]

    def text(self, text: str, most: int | None = None) -> str:
        if self.domains is None:
            return text
        shown, removed = links.without(text, self.domains, most)
        self._count(removed)
        return shown

    def spelled(self, text: str) -> str:
        """What somebody has to see whole: its links stay to be read, and cannot be tapped."""
        if self.domains is None:
            return text
        shown, removed = links.spelled(text, self.domains)
        self._count(removed)
        return shown

    @property
    def cause(self) -> str | None:
        """For the timeline, without a word of what was said."""
        if not self.removed:
            return None
        what = "A link" if self.removed == 1 else f"{self.removed} links"
        return f"{what} to a place that is not among the agent's linkDomains {'was' if self.removed == 1 else 'were'} taken out."

    def _count(self, removed: int) -> None:
        self.removed += removed
        REMOVED.inc(removed)

    def _content(self, content: Outgoing) -> list[Outgoing]:
        match content:
            case Text():
                body = self.text(content.body, limits.TEXT_BODY)
                return [replace(content, body=body, preview_url=content.preview_url and "://" in body)]
            case Media():
                return [self._file(content)]
            case Location():
                name, address = self._optional(content.name, limits.LOCATION_TEXT), self._optional(content.address, limits.LOCATION_TEXT)
                return [replace(content, name=name, address=address)]
            case ContactCard():
                phone = content.phone_number
                if self.text(phone) != phone:
                    phone = "".join(sign for sign in phone if sign.isdecimal() or sign == "+") or "0"
                return [replace(content, name=self.text(content.name, limits.CONTACT_TEXT), phone_number=phone[: limits.CONTACT_TEXT])]
            case Buttons():
                titles = self._titles([button.title for button in content.buttons], limits.BUTTON_TITLE)
                buttons = tuple(Button(title, button.id) for title, button in zip(titles, content.buttons, strict=True))
                body, footer = self.text(content.body, limits.INTERACTIVE_BODY), self._optional(content.footer, limits.FOOTER)
                return [replace(content, body=body, buttons=buttons, footer=footer, header=self._header(content.header))]
            case Choices():
                return [self._choices(content)]
            case LinkButton():
                return self._link_button(content)
            case Reaction():
                return [content] if self.text(content.emoji) == content.emoji else []
            case _:  # a template, whose values were looked at when it was filled in
                return [content]

    def _file(self, file: Media) -> Media:
        """Its address is the business's own: see `llm.speaking`. A name is no link, unless it is an address by itself."""
        name = file.filename
        if name is not None and any(sign in name for sign in ":/@\\"):
            name = self._optional(name, limits.FILENAME)
        return replace(file, caption=self._optional(file.caption, limits.CAPTION), filename=name)

    def _header(self, header: Media | None) -> Media | None:
        return self._file(header) if header is not None else None

    def _choices(self, listed: Choices) -> Choices:
        titles = self._titles([row.title for row in listed.rows], limits.ROW_TITLE)
        rows = tuple(
            Row(title, row.id, self._optional(row.description, limits.ROW_DESCRIPTION))
            for title, row in zip(titles, listed.rows, strict=True)
        )
        body, button = self.text(listed.body, limits.LIST_BODY), self.text(listed.button, limits.LIST_BUTTON)
        return replace(listed, body=body, button=button, rows=rows, footer=self._optional(listed.footer, limits.FOOTER))

    def _link_button(self, button: LinkButton) -> list[Outgoing]:
        body, title = self.text(button.body, limits.INTERACTIVE_BODY), self.text(button.title, limits.LINK_TITLE)
        footer, header = self._optional(button.footer, limits.FOOTER), self._header(button.header)
        if self.domains is None or links.leads_to(button.url, self.domains):
            return [replace(button, body=body, title=title, footer=footer, header=header)]
        self._count(1)
        lines = [body, f"{title}: {links.MARK}", *([footer] if footer else [])]
        return [*([header] if header else []), Text(body="\n".join(lines))]

    def _titles(self, titles: list[str], most: int) -> list[str]:
        """Titles, which have to differ from each other also when the same stands in the place of their links."""
        shown: list[str] = []
        for title in titles:
            new = self.text(title, most).strip()
            if new != title and new in shown:
                number = f" {len(shown) + 1}"
                new = new[: most - len(number)].rstrip() + number
            shown.append(new)
        return shown

    def _optional(self, text: str | None, most: int) -> str | None:
        return self.text(text, most) if text is not None else None
