r"""Links in a text, found as a phone would find them and then some; and the text without those that lead elsewhere.

What counts as a link, after lower case, NFKC and without characters that nobody sees:

    scheme://…                            any scheme; https:… and http:… also with one slash, none, or backslashes
    tel: mailto: sms: javascript: data:   and the others of `OPAQUE`, with something behind the colon
    name.tld                              when a label but the first is a top-level domain (the Public Suffix List, .example, .test, .onion),
                                          also with a dash, another dot or a letter that is not ASCII behind it
    name.anything/…                       when a slash and more follow, for domains that are newer than the list
    www.anything                          and IPv4 addresses of four numbers
    somebody@name.anything                e-mail addresses, by their host

Telephone numbers, "e.g.", 3.5, 18.30 and menu.pdf are none. A link may stay when its host is one of the listed domains or below one, and
it is written plainly: http, https or no scheme, no user before the host, no backslash, nothing invisible, no second address behind it.
Everything else that looks like a link goes, so a new trick is removed as long as it looks like a link at all.

The time is linear: each pattern takes what it can and gives nothing back, and no place of a text is read more than a few times.
"""

import re
import unicodedata
from collections.abc import Collection, Iterator
from functools import cache, lru_cache
from importlib.resources import files
from itertools import pairwise
from typing import NamedTuple

import idna

MARK = "[link removed]"
SHORT_MARK = "…"
ROUNDS = 4

OPAQUE = {
    "tel", "callto", "facetime", "facetime-audio", "sip", "sips", "skype", "sms", "smsto", "mms", "mmsto", "mailto", "xmpp", "whatsapp", "tg",
    "viber", "geo", "javascript", "vbscript", "data", "blob", "view-source", "intent", "magnet", "bitcoin", "ethereum", "litecoin",
    "lightning", "upi",
}  # fmt: skip
_RESERVED = ("example", "test", "onion")

_LABEL = r"[^\x00-,./:-@\[-`{-\x7f\s。]++"  # letters, figures, "-" and anything that is not ASCII
_SCHEME = re.compile(r"(?<![a-z0-9+.-])[a-z0-9+.-]++:")
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*+")
_END = re.compile(r'[^\s<>"]*+')
_PORT = re.compile(r":\d{1,5}+")
_HEAD = re.compile(r"[a-z0-9]++(?=[^.])")
_WWW = re.compile(r"(?<![a-z0-9])www$")
_NUMBERS = re.compile(r"(?<![0-9.])(?:(?:25[0-5]|2[0-4][0-9]|1?[0-9]{1,2})(?:\.|(?![0-9]))){4}")
_SLASHED = re.compile(r"(?::\d{1,5}+)?+/[^\s<>\"]")
_DATA = re.compile(r"[a-z]++/|[;,]")
_PLAIN = re.compile(r"(?:https?://)?(?P<host>[^\s/?#:@\\%\[\]]++)(?::\d{1,5})?(?P<tail>[/?#].*)?", re.IGNORECASE)
_PLAIN_MAIL = re.compile(r"[a-z0-9._+-]++@(?P<host>[^\s/?#:@\\%\[\]]++)", re.IGNORECASE)
_BEHIND = ".,;:!?)]}'|*_~`"
_MARKS = "*_~`"  # WhatsApp's own, which are not shown
_UNSEEN = frozenset("\u034f\u115f\u1160\u3164\u17b4\u17b5\uffa0") | {chr(n) for n in (*range(0x180B, 0x1810), *range(0xFE00, 0xFE10))}
_ODD = re.compile(r'[\s\\<>"]')
_FULL_STOP = re.compile(r"。(?=(\w++))")
_SECOND = re.compile(r"://|@[^\s@/]*?\.[^\W\d]{2}")
_JOINING = "/=&?-_.%#+~@:"  # in a path; behind another sign a reader may begin anew
_ASCII_NAME = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)+")


def domain(text: str) -> str:
    """A host name in its ASCII form. Raises ValueError with what is wrong with it."""
    name = text.strip().lower()
    try:
        name = idna.encode(name).decode() if not name.isascii() or "xn--" in name else name
        fits = len(name) <= 253 and all(len(label) <= 63 and label.strip("-") == label for label in name.split("."))
    except (idna.IDNAError, UnicodeError):
        fits = False
    if not fits or not _ASCII_NAME.fullmatch(name) or name.rpartition(".")[2].isdecimal():
        raise ValueError("is not a host name such as shop.example: leave out https://, ports and paths; it covers its subdomains by itself")
    return name


def without(text: str, domains: Collection[str], most: int | None = None) -> tuple[str, int]:
    """`text` with a mark in the place of every link to a host that is not among `domains`, and how many these were.

    A short mark when the text would have more than `most` characters with the long one.
    """
    shown, removed = _marked(text, domains, MARK)
    if removed and most is not None and len(shown) > most:
        shown = _marked(text, domains, SHORT_MARK)[0][:most]
    return shown, removed


def spelled(text: str, domains: Collection[str]) -> tuple[str, int]:
    """The same with links that cannot be tapped in the place of those: for one who has to see what he agrees to."""
    spans, parts, done = _spans(text, domains), [], 0
    for start, end in spans:
        parts += [text[done:start], "".join(_SPELLED.get(_shape(letter), letter) for letter in text[start:end])]
        done = end
    return without("".join([*parts, text[done:]]), domains)[0], len(spans)


_SPELLED = {".": "[.]", "。": "[.]", ":": "[:]", "@": "[at]"}


def _marked(text: str, domains: Collection[str], mark: str) -> tuple[str, int]:
    """Once more after each time that something was found, because what stood beside a link may look like one without it."""
    removed = 0
    for _ in range(ROUNDS):
        spans = _spans(text, domains)
        if not spans:
            break
        text = _replaced(text, spans, mark)
        removed += len(spans)
    return text, removed


def _replaced(text: str, spans: list[tuple[int, int]], mark: str) -> str:
    ends = [0, *(at for span in spans for at in span), len(text)]
    return mark.join(text[ends[n] : ends[n + 1]] for n in range(0, len(ends), 2))


def _spans(text: str, domains: Collection[str]) -> list[tuple[int, int]]:
    """Where the links are that may not stay, in order and apart.

    WhatsApp's marks and what nobody sees may end a link or be no part of it, as a phone likes: the text is looked through both ways.
    """
    gaps = [""]
    if any(mark in text for mark in _MARKS):
        gaps.append(_MARKS)
    found = [span for dropped in gaps for span in _foreign(_Seen.of(text, dropped, ""), domains)]
    if not all(map(_shape, text)):
        found += [span for dropped in gaps for span in _foreign(_Seen.of(text, dropped, " "), domains)]
    apart: list[tuple[int, int]] = []
    for start, end in sorted(found):
        if apart and start < apart[-1][1]:
            apart[-1] = (apart[-1][0], max(end, apart[-1][1]))
        else:
            apart.append((start, end))
    return apart


class _Seen(NamedTuple):
    """A text as it is looked through (`low`), and where each of its letters stands in the original."""

    text: str
    low: str
    origin: list[int] | range

    @classmethod
    def of(cls, text: str, dropped: str, unseen: str) -> "_Seen":
        if text.isascii() and text.isprintable() and not dropped:
            return cls(text, text.lower(), range(len(text)))
        low: list[str] = []
        origin: list[int] = []
        for at, letter in enumerate(text):
            shape = "" if letter in dropped else _shape(letter) or unseen
            low.append(shape)
            origin += [at] * len(shape)
        return cls(text, _full_stops("".join(low)), origin)

    def original(self, start: int, end: int) -> tuple[int, int]:
        return self.origin[start], self.origin[end - 1] + 1


@lru_cache(maxsize=4096)
def _shape(letter: str) -> str:
    """What a letter is read as: nothing when nobody sees it, a space when it ends a word."""
    if letter in " \n\t\r":
        return letter
    if letter in _UNSEEN or unicodedata.category(letter) in ("Cf", "Cc", "Cs"):
        return ""
    if letter.isascii():
        return letter.lower()
    shape = unicodedata.normalize("NFKC", letter).lower()
    if unicodedata.category(letter)[0] in "PZ" and shape not in ".。/:@\\%-#&=?":
        return " " if len(shape) == 1 else shape
    return "".join(" " if unicodedata.category(one)[0] == "Z" else one for one in shape)


def _full_stops(low: str) -> str:
    """An ideographic full stop is a dot in a host name; elsewhere it ends a sentence."""
    return _FULL_STOP.sub(lambda stop: "." if stop[1].isascii() or stop[1] in top_level() else "。", low) if "。" in low else low


class _Link(NamedTuple):
    start: int
    end: int
    stays: bool


def _foreign(seen: _Seen, domains: Collection[str]) -> list[tuple[int, int]]:
    schemed = list(_schemed(seen, domains))
    found = [link for link in schemed if not link.stays]
    for before, after in pairwise([_Link(0, 0, True), *schemed, _Link(len(seen.low), len(seen.low), True)]):
        found += [link for link in _bare(seen, before.end, after.start, domains) if not link.stays]
    return [seen.original(link.start, link.end) for link in found]


def _schemed(seen: _Seen, domains: Collection[str]) -> Iterator[_Link]:
    """Links that begin with a scheme."""
    low, at = seen.low, 0
    while (colon := _SCHEME.search(low, at)) is not None:
        at = behind = colon.end()
        name = re.split(r"[0-9+.]", colon.group()[:-1])[-1].lstrip("-")
        if not _begins(low, behind, name):
            continue
        at = _trimmed(low, behind, _end(low, behind))
        start = behind - 1 - len(name)
        yield _Link(start, at, name in ("http", "https") and _may_stay(seen, start, at, _PLAIN, domains))


def _begins(low: str, behind: int, name: str) -> bool:
    if not low[behind : behind + 1].strip(' \n\t\r<>"'):
        return False
    if low[behind] in "/\\" and low[behind + 1 : behind + 2] in ("/", "\\"):
        return bool(low[behind + 2 : behind + 3].strip())
    if name == "data":
        return _DATA.match(low, behind) is not None
    return name in ("http", "https") or (name in OPAQUE and low[behind] not in ",;.)" + _MARKS)


def _bare(seen: _Seen, start: int, end: int, domains: Collection[str]) -> Iterator[_Link]:
    """Links without a scheme, between two places: host names, and what stands around an @."""
    low, done = seen.low, start
    for found in _NAME.finditer(low, start, end):
        if found.start() < done or "." not in found.group():
            continue
        name, begins = _name(found)
        ends = begins + len(name)
        mail = low[max(0, begins - 1) : begins] == "@"
        if not (_is_mail_host(name) if mail else _is_host(low, name, ends)) or _is_local(low, ends, end):
            continue
        if mail:
            while begins > done and not low[begins - 1].isspace() and low[begins - 1] not in '<>"(,;*~`':
                begins -= 1
        done = _ended(low, ends, end)
        pattern = _PLAIN_MAIL if mail else _PLAIN
        yield _Link(
            begins, done, _stands_alone(seen, begins) and low[done : done + 1] != "@" and _may_stay(seen, begins, done, pattern, domains)
        )


def _name(found: re.Match[str]) -> tuple[str, int]:
    """A host name without the dashes around it, and where it begins."""
    name = found.group().lstrip("-")
    return name.rstrip("-"), found.end() - len(name)


def _is_host(low: str, name: str, ends: int) -> bool:
    first, *labels = name.split(".")
    if not labels:
        return False
    if _WWW.search(first) or any(map(_is_end, labels)) or _NUMBERS.search(name):
        return True
    return len(labels[-1]) > 1 and labels[-1].isalpha() and _SLASHED.match(low, ends) is not None


def _is_end(label: str) -> bool:
    """Whether a host name may end with this label, or with its beginning: not every reader asks what follows."""
    head = _HEAD.match(label)
    return label in top_level() or (head is not None and head.group() in top_level())


def _is_mail_host(name: str) -> bool:
    last = name.rpartition(".")[2]
    return "." in name and len(last) > 1 and not last.isdecimal()


def _is_local(low: str, ends: int, most: int) -> bool:
    """Whether an e-mail address goes on here, whose host has its own turn."""
    found = _NAME.match(low, ends + 1, most) if low[ends : ends + 1] == "@" else None
    if found is None:
        return False
    host, begins = _name(found)
    return begins == ends + 1 and _is_mail_host(host)


def _ended(low: str, ends: int, most: int) -> int:
    """The end of a link whose host ends here: its port and its path belong to it, and whatever hangs on an @."""
    port = _PORT.match(low, ends, most)
    behind = port.end() if port else ends
    if low[behind : behind + 1] in ("/", "?", "#", "\\", "@"):
        return min(most, _trimmed(low, behind - 1, _end(low, behind)))
    return behind


def _end(low: str, at: int) -> int:
    match = _END.match(low, at)
    return match.end() if match else at


def _trimmed(low: str, start: int, end: int) -> int:
    """Without the punctuation behind a link, which belongs to the sentence."""
    while end > start + 1 and low[end - 1] in _BEHIND:
        end -= 1
    return end


def _stands_alone(seen: _Seen, start: int) -> bool:
    """Whether what stands before a host cannot be part of it."""
    at = seen.origin[start]
    if at == 0 or seen.text[at - 1].isspace():
        return True
    before = seen.text[at - 1]
    if before.isascii():
        return before.isprintable() and not before.isalnum() and before not in "-@\\%."
    return unicodedata.category(before) in ("Ps", "Pe", "Pi", "Pf", "Po")


def _may_stay(seen: _Seen, start: int, end: int, pattern: re.Pattern[str], domains: Collection[str]) -> bool:
    first, last = seen.original(start, end)
    raw = seen.text[first:last]
    if pattern is _PLAIN:
        return leads_to(raw, domains)
    mail = pattern.fullmatch(raw)
    return mail is not None and is_listed(mail["host"], domains)


def leads_to(url: str, domains: Collection[str]) -> bool:
    """Whether a whole address, such as that of a button, is plainly one of a listed host."""
    plain = _PLAIN.fullmatch(url) if url.isprintable() and not _ODD.search(url) else None
    return plain is not None and is_listed(plain["host"], domains) and not _holds_another(plain["tail"] or "")


def _holds_another(tail: str) -> bool:
    """Whether there may be a second link in what stands behind a host."""
    low = unicodedata.normalize("NFKC", tail).lower()
    if _SECOND.search(low):
        return True
    for found in _NAME.finditer(low):
        name, begins = _name(found)
        apart = not name.isascii() or low[begins - 1] not in _JOINING
        if apart and any(map(_is_end, name.split(".")[1:])):
            return True
    return False


def is_listed(host: str, domains: Collection[str]) -> bool:
    """Whether a host is one of these domains, or below one."""
    try:
        name = domain(host)
    except ValueError:
        return False
    return any(name == one or name.endswith(f".{one}") for one in domains)


@cache
def top_level() -> frozenset[str]:
    """Every top-level domain, from the Public Suffix List that the library `tld` carries, in letters and in ASCII."""
    rules = files("tld").joinpath("res", "effective_tld_names_public_only.dat.txt").read_text("utf-8").splitlines()
    last = {rule.strip().rpartition(".")[2] for rule in rules if rule.strip() and not rule.startswith("//")}
    return frozenset([*last, *_RESERVED, *(idna.encode(name).decode() for name in last if not name.isascii())])
