"""A dictionary of AFL++ or libFuzzer becomes the bundle's tokens.

    # a comment      name="GIF89a"      chunk@2 = "\\x00\\x00IHDR"      "bare"      octal="\\012"      say="a "word""

The packed form, which the kernel reads (fuzz/mutators/dictionary.h): for each token its size in two bytes, little
endian, then its bytes; ascending by size, then by content, each token once.
"""
import re
from typing import List, NamedTuple

LONGEST_TOKEN = 4096            # bytes, chosen; AFL++ takes 128 and libFuzzer 64
MOST_WARNINGS = 20              # shown one by one

BLANKS = b" \t\r\v\f\0"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
COMMENT_BEHIND = re.compile(rb'(.*")[ \t]*#[^"]*', re.S)
ESCAPE = re.compile(rb'\\(?:x([0-9a-fA-F]{2})|([0-7]{1,3})|([\\"\'?abefnrtv]))')
NAMED = dict(zip(b"\\\"'?abefnrtv", b"\\\"'?\a\b\x1b\f\n\r\t\v"))


class Remark(NamedTuple):
    line: int
    why: str


class Bad(Exception):
    """Why a line is not used."""


def _unescaped(text):
    out, at = bytearray(), 0
    while at < len(text):
        if text[at] != ord("\\"):
            out.append(text[at])
            at += 1
            continue
        found = ESCAPE.match(text, at)
        if not found:
            raise Bad(f"unknown escape {text[at:at + 2].decode('ascii', 'replace')!r}")
        hexadecimal, octal, named = found.groups()
        value = int(hexadecimal, 16) if hexadecimal else int(octal, 8) if octal else NAMED[named[0]]
        if value > 255:
            raise Bad("an octal escape above \\377")
        out.append(value)
        at = found.end()
    return bytes(out)


def _ends_open(text):
    """Whether a text ends in an escaped character: then a quote behind it closes nothing."""
    return (len(text) - len(text.rstrip(b"\\"))) % 2 == 1


def _token(line):
    """The token of one line; None where the line has none and needs none."""
    line = line.strip(BLANKS)
    if not line or line.startswith(b"#"):
        return None
    # A quote inside a token needs no backslash: the token ends at the line's last quote.
    behind = None if line.endswith(b'"') else COMMENT_BEHIND.fullmatch(line)
    line = behind.group(1) if behind else line
    first, last = line.find(b'"'), len(line) - 1
    if first < 0:
        raise Bad("no quoted token")
    if not line.endswith(b'"') or first == last or _ends_open(line[first + 1:last]):
        raise Bad("no closing quote")
    token = _unescaped(line[first + 1:last])
    if not token:
        raise Bad("an empty token")
    if len(token) > LONGEST_TOKEN:
        raise Bad(f"a token of {len(token)} bytes; the longest one used has {LONGEST_TOKEN}")
    return token


def _words(lines):
    """A file without any quote is a list of words, one a line, as AFL++'s for Ruby is."""
    stripped = [line.strip(BLANKS) for line in lines]
    words = [word for word in stripped if word and not word.startswith(b"#")]
    warning = Remark(1, "no line has a quoted token, so each line is one") if words else None
    return [word[:LONGEST_TOKEN] for word in words], [warning] if warning else []


def parse(data):
    """(tokens in their order, a Remark for each line that is not used as it stands)."""
    tokens, warnings = [], []
    lines = data.removeprefix(BYTE_ORDER_MARK).split(b"\n")
    if b'"' not in data:
        return _words(lines)
    for number, line in enumerate(lines, 1):
        try:
            token = _token(line)
        except Bad as bad:
            warnings.append(Remark(number, f"{bad}; the line is skipped"))
            continue
        if token is not None:
            tokens.append(token)
    return tokens, warnings


def pack(tokens):
    ordered = sorted(set(tokens), key=lambda token: (len(token), token))
    return b"".join(len(token).to_bytes(2, "little") + token for token in ordered)


def messages(path, warnings) -> List[str]:
    shown = [f"warning: {path}:{warning.line}: {warning.why}" for warning in warnings[:MOST_WARNINGS]]
    left = len(warnings) - len(shown)
    return shown + ([f"warning: {path}: {left} more lines are skipped"] if left else [])


def prepared(data, path, say=print):
    """What of a dictionary's text goes into the bundle; `say` is given one line for each line that does not."""
    tokens, warnings = parse(data)
    for message in messages(path, warnings):
        say(message)
    return pack(tokens)
