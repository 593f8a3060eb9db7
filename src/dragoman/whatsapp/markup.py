"""Markdown, which language models write, as the markup that WhatsApp shows.

    Markdown                             WhatsApp
    **bold**, __bold__                   *bold*
    *x*                                  *x*         WhatsApp's own bold stays bold
    _x_                                  _x_         italic in both
    ***x***                              _*x*_
    ~~gone~~, ~gone~                     ~gone~
    `code`, ```code```                   the same
    fenced code block, of any language   ```code``` or the block between two lines of ```
    # Heading                            *Heading*
    * item, - item, + item               - item for the first, the others as they are
    1. item                              1. item     "1." on every line is counted on
    > quote                              > quote     only with the space, so ">18 years" stays as it is
    [text](https://…)                    text (https://…), or the address alone when the text says the same
    <https://…>, ![text](https://…)      https://…
    table                                one line for each row, "a | b", the first in bold
    \\*                                   *

Everything else stays as it was written: a star in "5 * 3", an underscore in snake_case or in an address, blank lines,
HTML. Text that is WhatsApp markup already comes out as it went in; so does text with more than `MOST_SIGNS` signs, which
nobody writes for a reader: the parser takes some five millionths of a second for each.
"""

import re
from itertools import pairwise

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock, blockquote, table
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

from dragoman.whatsapp.markup_inline import bold, inline

MOST_SIGNS = 12_000

_DEEPEST = 20  # the parser looks this far into each bracket that is not closed
_SIGN = re.compile(r"[*_`~\[\]()<>\\|#!:+\n-]")
_MARKDOWN = re.compile(
    r"[*_`]|~~|\]\(|\\[!-/:-@\[-`{-~]|<(?:https?:|mailto:)|\|[ \t]*:?-|^ {0,3}#{1,6}(?:[ \t]|$)",
    re.MULTILINE,
)
_TICKS = re.compile(r"`{3,}")
_LINE_START = re.compile(r"[ \t>]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)?")
_RULE = re.compile(r"(?:[-*_][ \t]*){3,}$")
_HELD = "\ufdd0"  # stands for a line break that the parser must not see; a code point that no text may use
_ADDRESS = re.compile(r"://[^\s<>\"`\[\]\\]+")
_BEHIND_ADDRESS = "*_~.,;:!?)'"


def from_markdown(text: str) -> str:
    """`text` for a WhatsApp message. Text without any sign of Markdown is returned as it is, at no cost."""
    if not _MARKDOWN.search(text) or signs(text) > MOST_SIGNS:
        return text
    held = _hold_own_blocks(text.replace("\r\n", "\n").replace("\r", "\n"))
    tokens = _parser.parse(held)
    if any(token.level >= _DEEPEST for token in tokens):
        return text  # the parser drops what is nested deeper than it goes
    return _Page(held.split("\n")).write(tokens).replace(_HELD, "\n")


def signs(text: str) -> int:
    """How many characters in `text` may mean something in Markdown, line breaks among them: what reading it costs."""
    return len(_SIGN.findall(text)) if len(text) > 1000 else 0  # what is short is cheap


def _hold_own_blocks(text: str) -> str:
    """WhatsApp's own ```code over several lines``` may begin and end inside a line, which Markdown would not take as code."""
    ticks = list(_TICKS.finditer(text))
    parts, done, index = [], 0, 0
    while index + 1 < len(ticks):
        opened, closed = ticks[index], ticks[index + 1]
        if len(opened.group()) > 3 or (_begins_line(text, opened) and _begins_line(text, closed)):
            longer = (at for at in range(index + 1, len(ticks)) if len(ticks[at].group()) >= len(opened.group()))
            index = next(longer, len(ticks)) + 1
            continue
        parts += [text[done : opened.start()], text[opened.start() : closed.end()].replace("\n", _HELD)]
        done, index = closed.end(), index + 2
    return "".join([*parts, text[done:]])


def _begins_line(text: str, ticks: re.Match[str]) -> bool:
    line = text.rfind("\n", 0, ticks.start()) + 1
    return _LINE_START.fullmatch(text, line, ticks.start()) is not None


class _Item:
    """A list item or a quote around lines: what stands before its first line, before the others, and when it is empty."""

    def __init__(self, first: str, rest: str, opened: Token) -> None:
        self.first: str | None = first
        self.rest = rest
        self.opened = opened

    def take(self) -> str:
        prefix, self.first = self.rest if self.first is None else self.first, None
        return prefix


class _Page:
    """The lines written so far. Blank lines between blocks are kept by counting the lines of the source."""

    def __init__(self, source: list[str]) -> None:
        self._source = source
        self._lines: list[str] = []
        self._next = 0
        self._around: list[_Item] = []
        self._numbers: list[tuple[str, int]] = []

    def write(self, tokens: list[Token]) -> str:
        index = 0
        while index < len(tokens):
            token = tokens[index]
            match token.type:
                case "table_open":
                    stop = next(at for at in range(index, len(tokens)) if tokens[at].type == "table_close")
                    self._add(_table(tokens[index:stop]), token)
                    index = stop
                case "inline":
                    self._leaf(tokens[index - 1], token)
                case "fence":
                    self._add(_fence(token), token)
                case "hr":
                    self._add(self._rule(token), token)
                case _:
                    self._frame(token)
            index += 1
        return "\n".join(self._lines)

    def _frame(self, token: Token) -> None:
        match token.type:
            case "ordered_list_open" | "bullet_list_open":
                self._numbers.append(("", 0))
            case "ordered_list_close" | "bullet_list_close":
                self._numbers.pop()
            case "list_item_open":
                marker = self._marker(token)
                self._around.append(_Item(marker, " " * len(marker), token))
            case "blockquote_open":
                self._around.append(_Item("> ", "> ", token))
            case "list_item_close":
                self._leave()
            case "blockquote_close":
                self._leave()

    def _marker(self, token: Token) -> str:
        if not token.info:
            return "- " if token.markup == "*" else f"{token.markup} "
        first, count = self._numbers[-1]
        first = first or token.info
        self._numbers[-1] = (first, count + 1)
        number = str(int(first) + count) if token.info == first else token.info
        return f"{number}{token.markup} "

    def _leave(self) -> None:
        """An item or quote with nothing in it still shows its own sign."""
        item = self._around.pop()
        if item.first is not None:
            self._add(item.opened.info + item.opened.markup, item.opened)
            self._next = item.opened.map[0] + 1 if item.opened.map else self._next

    def _rule(self, token: Token) -> str:
        """A line of dashes as it was written."""
        line = self._source[token.map[0]] if token.map else ""
        found = _RULE.search(line)
        return found.group().rstrip() if found else "---"

    def _leaf(self, opened: Token, token: Token) -> None:
        children = token.children or []
        if opened.type != "heading_open":
            self._add(inline(children), opened)
        elif children:
            self._add(bold(children), opened)
        else:
            self._add(opened.markup, opened)

    def _add(self, text: str, token: Token) -> None:
        start, stop = token.map or (self._next, self._next)
        if self._lines:
            self._lines.extend([""] * (start - self._next))
        self._next = stop
        for line in text.split("\n"):
            self._lines.append(("".join(item.take() for item in self._around) + line) if line else "")


def _fence(token: Token) -> str:
    code = token.content.rstrip("\n")
    if not code.strip():
        return "```\n```"
    return f"```\n{code}\n```" if "\n" in code or "`" in code else f"```{code}```"


def _table(tokens: list[Token]) -> str:
    rows: list[str] = []
    cells: list[str] = []
    for before, token in pairwise(tokens):
        if token.type == "inline":
            children = token.children or []
            cells.append(bold(children) if before.type == "th_open" else inline(children))
        elif token.type == "tr_close":
            rows.append(" | ".join(cells))
            cells = []
    return "\n".join(rows)


def _quote(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """WhatsApp quotes only what has a space behind the sign."""
    at = state.bMarks[start] + state.tShift[start]
    if state.src[at : at + 1] == ">" and state.src[at + 1 : at + 2] not in ("", " ", "\t", "\n", ">"):
        return False
    return blockquote(state, start, end, silent)


def _rows(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """A table ends at a line with too few cells. The parser would fill it up, and make a hundred cells of two characters."""
    if start + 2 > end or set(_line(state, start + 1)) - set("|:- \t"):
        return False
    least = _line(state, start).replace("\\|", "").strip("|").count("|")
    stop = start + 2
    while stop < end and _line(state, stop).count("|") >= least:
        stop += 1
    return table(state, start, stop, silent)


def _line(state: StateBlock, number: int) -> str:
    return state.src[state.bMarks[number] + state.tShift[number] : state.eMarks[number]].strip()


def _address(state: StateInline, silent: bool) -> bool:
    """A bare address is left alone, with all its underscores and stars."""
    at = state.pos
    if not state.src.startswith("://", at) or not state.src.endswith(("http", "https"), max(0, at - 5), at):
        return False
    found = _ADDRESS.match(state.src, at, state.posMax)
    address = found.group().rstrip(_BEHIND_ADDRESS) if found else ""
    if not address:
        return False
    if not silent:
        state.append_pending(address)
    state.pos += len(address)
    return True


def _build() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "maxNesting": _DEEPEST})
    parser.enable(["table", "strikethrough"])
    parser.disable(["code", "html_block", "html_inline", "reference", "lheading", "entity", "newline"])
    parser.block.ruler.at("blockquote", _quote, {"alt": ["paragraph", "reference", "blockquote", "list"]})
    parser.block.ruler.at("table", _rows, {"alt": ["paragraph", "reference"]})
    parser.inline.ruler.before("escape", "address", _address)
    return parser


_parser = _build()
