"""Markdown inside one block (emphasis, code, links) as WhatsApp markup; see `whatsapp.markup` for the table."""

import re

from markdown_it.token import Token

_SCHEME = re.compile(r"https?://|mailto:|tel:|www\.", re.IGNORECASE)
_LEFT_OVER = re.compile(r"\*\*(?=[^\s*])([^*\n]*[^\s*])\*\*")


def inline(children: list[Token]) -> str:
    return _Line().write(children)


def bold(children: list[Token]) -> str:
    """The whole line in bold, unless a star of its own would end that early."""
    line = _Line("*").write(children)
    if "*" in line:
        return inline(children)
    return f"*{line}*" if line else ""


class _Line:
    def __init__(self, outer: str = "") -> None:
        self._out: list[str] = []
        self._nested: list[str] = []  # one mark for each token that is open; "" where nothing had to be written
        self._marks = outer  # the marks that count now, innermost last
        self._inherited = len(outer)
        self._links: list[tuple[int, str]] = []

    def write(self, children: list[Token]) -> str:
        beside_bold = _beside_bold(children)
        for index, token in enumerate(children):
            match token.type:
                case "text":
                    self._text(token.content)
                case "softbreak" | "hardbreak":
                    self._text("\n")
                case "code_inline":
                    self._out.append(_code(token))
                case "link_open":
                    self._links.append((len(self._out), str(token.attrs.get("href", ""))))
                case "link_close":
                    self._close_link()
                case "image":
                    self._image(token)
                case "strong_open":
                    self._open("*")
                case "em_open":
                    self._open("_" if index in beside_bold or self._inherited else token.markup)
                case "s_open":
                    self._open("~")
                case "strong_close" | "em_close" | "s_close":
                    self._close()
        return "".join(self._out)

    def _open(self, mark: str) -> None:
        mark = "" if mark in self._marks else mark
        self._nested.append(mark)
        self._marks += mark
        self._out.append(mark)

    def _close(self) -> None:
        mark = self._nested.pop()
        self._marks = self._marks.removesuffix(mark)
        self._out.append(mark)

    def _text(self, text: str) -> None:
        """WhatsApp ends every mark at the end of its line: close what is open there, and open it again."""
        if "*" not in self._marks:
            text = _LEFT_OVER.sub(r"*\1*", text)
        opened = self._marks[self._inherited :]
        if opened and "\n" in text:
            text = re.sub(r"[ \t]*\n[ \t]*", f"{opened[::-1]}\n{opened}", text)
        self._out.append(text)

    def _close_link(self) -> None:
        start, target = self._links.pop()
        label = "".join(self._out[start:])
        self._out[start:] = [_link(label, target)]

    def _image(self, token: Token) -> None:
        source = str(token.attrs.get("src", ""))
        self._out.append(source if _SCHEME.match(source) else f"![{token.content}]({source})")


def _beside_bold(children: list[Token]) -> set[int]:
    """Where emphasis opens around something bold or inside it: there its star must become an underscore."""
    found: set[int] = set()
    opened: list[tuple[int, int]] = []
    depth = strongs = 0
    for index, token in enumerate(children):
        match token.type:
            case "strong_open":
                depth, strongs = depth + 1, strongs + 1
            case "strong_close":
                depth -= 1
            case "em_open":
                opened.append((index, -1 if depth else strongs))
            case "em_close":
                start, before = opened.pop()
                if strongs != before:
                    found.add(start)
    return found


def _code(token: Token) -> str:
    if token.markup == "```":
        return f"```{token.content}```"
    if "`" not in token.content:
        return f"`{token.content}`"
    return f"```{token.content}```"


def _link(label: str, target: str) -> str:
    """Only addresses that lead somewhere from a phone are links; `[1](2)` is just text."""
    if not _SCHEME.match(target):
        return f"[{label}]({target})"
    shown = re.sub(r"^(mailto|tel):", "", target, flags=re.IGNORECASE)
    if not label or _bare(label) == _bare(shown):
        return shown
    return f"{label} ({shown})"


def _bare(address: str) -> str:
    return re.sub(r"^https?://(www\.)?", "", address.strip(), flags=re.IGNORECASE).rstrip("/").lower()
