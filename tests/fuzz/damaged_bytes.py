"""What happens to any file: cut short, another encoding, lines lost or doubled, bytes flipped."""

from fuzz.case import Dice

_SIGNS = (b'"', b"'", *(bytes([sign]) for sign in b"[]{}=,#\n\r\0\xff"), b"\xc2\xa0")


def damaged_bytes(content: bytes, dice: Dice) -> tuple[bytes, str]:
    """Return other content, and what happened to it."""
    lines = content.split(b"\n")
    line = dice.randrange(len(lines))
    at = dice.randrange(len(content) + 1)
    other = dice.randrange(len(lines))
    text = content.decode("utf-8", "replace")
    swapped = list(lines)
    swapped[line], swapped[other] = swapped[other], swapped[line]
    flipped = bytearray(content or b"\0")
    flipped[at % len(flipped)] ^= 1 << dice.randrange(8)
    ways = {
        "cut short": content[:at],
        "begins late": content[at:],
        "a line lost": b"\n".join(lines[:line] + lines[line + 1 :]),
        "a line doubled": b"\n".join(lines[:line] + lines[line : line + 1] + lines[line:]),
        "two lines swapped": b"\n".join(swapped),
        "a bit flipped": bytes(flipped),
        "a byte put in": content[:at] + dice.randbytes(1) + content[at:],
        "a sign put in": content[:at] + dice.choice(_SIGNS) + content[at:],
        "a sign lost": content[:at] + content[at + 1 :],
        "byte order mark": b"\xef\xbb\xbf" + content,
        "UTF-16": text.encode("utf-16"),
        "Latin-1": text.replace("e", "é").encode("latin-1", "replace"),
        "Windows line ends": content.replace(b"\n", b"\r\n"),
        "Mac line ends": content.replace(b"\n", b"\r"),
        "empty": b"",
        "white space": b" \n\t\n",
        "binary": dice.randbytes(300),
        "zeros": bytes(300),
        "compressed": b"PK\x03\x04" + content,
        "a web page": b"<!DOCTYPE html><html><body>" + content + b"</body></html>",
        "twice": content + b"\n" + content,
        "a long line": content[:at] + b"x" * 100_000 + content[at:],
        "deep": b"a = " + b"[" * 3000,
        "tabs": content.replace(b" ", b"\t"),
        "commas": content.replace(b".", b","),
        "typographic quotes": text.replace('"', "\u201c").encode(),
    }  # fmt: skip
    said = dice.choice(list(ways))
    return ways[said], said
