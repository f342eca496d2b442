"""Answers as bytes, spoiled on the wire: status line, headers, lengths, chunking, encodings."""

import gzip
import random
import zlib

from attrs import frozen

from benchmarks.hostile import _mutate
from benchmarks.hostile._mutate import Json, dumped

ENDINGS = ("close", "close", "close", "reset", "keep", "keep", "silence")
_STATUS_LINES = (
    *(b"HTTP/1.0 200 OK", b"HTTP/2 200 OK", b"HTTP/1.1 99 Low", b"HTTP/1.1 1000 High"),
    *(b"HTTP/1.1 799 Odd", b"HTTP/1.1 -1 Minus", b"HTTP/1.1 2OO Letters", b"HTTP/1.1 +200 Plus"),
    *(
        b"HTTP/1.1",
        b"HTTP/1.1 ",
        b"http/1.1 200 ok",
        b"ICY 200 OK",
        b"HTTP/1.1 200",
        b"\x16\x03\x01",
    ),
    *(b"SSH-2.0-OpenSSH_9.6", b"\r\n\r\nHTTP/1.1 200 OK", b"HTTP/9.9 200 OK", b"HTTP/1.1\t200\tOK"),
    *(
        b"HTTP/1.1 200 " + b"x" * 20_000,
        b"HTTP/1.1 200 \xff\x00\x1b[31m",
        b"",
        b"HTTP/1.1 200 OK\rX",
    ),
)
# No 429: it slows the whole client down, which would hide a late end; tests have it instead.
_STATUSES = (
    *(200, 200, 201, 202, 204, 205, 206, 207, 226, 300, 301, 302, 303, 304, 307, 308),
    *(400, 401, 403, 404, 405, 408, 409, 410, 418, 422, 425, 426, 428, 431, 451),
    *(500, 501, 502, 503, 504, 505, 511, 520, 599),
)
_LENGTHS = (
    *(b"-1", b"+5", b"0x10", b"1e3", b"1 0", b"", b"abc", b"9" * 40, b"18446744073709551616"),
    *(b"0", b"1", b"99999", b"\xd9\xa1", b"5, 5", b"5\r\nContent-Length: 6", b"5;q=1"),
)
_TRANSFERS = (
    b"chunked",
    b"chunked, chunked",
    b"identity",
    b"xchunked",
    b"gzip, chunked",
    b"chunked;x",
)
_ENCODINGS = (
    b"gzip",
    b"deflate",
    b"br",
    b"zstd",
    b"foo",
    b"gzip, gzip",
    b"identity",
    b"x-gzip",
    b"",
)
_HEADERS = (
    *(b"No-Colon", b": no name", b"Sp ace: x", b"Nul: a\x00b", b"High: \xff\xfe", b" folded: x"),
    *(b"Long: " + b"x" * 100_000, b"\r\n".join(b"X-%d: y" % n for n in range(300)), b"A:\r\n B"),
    *(b"Set-Cookie: a=b; Domain=.", b"Connection: upgrade\r\nUpgrade: h2c", b"Connection: \xe9"),
    *(b"Retry-After: nan", b"Retry-After: 99999999999", b"Retry-After: -1", b"Retry-After: 0"),
    *(b"Location: http://u:p@evil.example/", b"Location: file:///etc/passwd", b"Location: //[::1"),
    *(b"Date: never", b"Date: Mon, 01 Jan 0001 00:00:00 GMT", b"X-RateLimit-Remaining: 0"),
    *(b"Content-Type: text/html; charset=\xff", b"Content-Type: ", b"Keep-Alive: timeout=-1"),
)
_PRELUDES = (
    *(b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early\r\nLink: x\r\n\r\n" * 50),
    *(b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", b"\r\n" * 3),
)


@frozen
class Spoiled:
    """What the server sends for a request, and what it does then."""

    parts: tuple[bytes, ...]
    ending: str
    pause: float = 0.0


def _chunked(body: bytes, rng: random.Random) -> bytes:
    """The body in chunks, one of them wrong more often than not."""
    cut = rng.randrange(len(body) + 1)
    good = b"%x\r\n%s\r\n%x\r\n%s\r\n0\r\n\r\n"
    first, second = body[:cut] or b" ", body[cut:] or b" "
    sound = good % (len(first), first, len(second), second)
    ways = (
        *(sound, sound, sound[:-5], sound[:-2], sound.replace(b"\r\n", b"\n")),
        *(b"zz\r\n" + sound, b"-5\r\n" + sound, b"ffffffffffffffffff\r\n" + sound),
        *(b"5;" + b"e" * 20_000 + b"\r\n" + sound, sound[:-2] + b"T: x\r\n" * 500 + b"\r\n"),
        *(b"%x\r\n%s" % (len(body) + 9, body), b"1\r\n{" * 50, sound + sound, b""),
    )
    return rng.choice(ways)


def _encoded(body: bytes, rng: random.Random) -> bytes:
    """The body compressed, mostly not as announced."""
    zipped = gzip.compress(body)
    cut = zipped[: rng.randrange(len(zipped))]
    broken = zipped[:12] + bytes([rng.randrange(256)]) * 4 + zipped[16:]
    ways = (zipped, gzip.compress(zipped), cut, broken, zlib.compress(body)[2:], body)
    return rng.choice(ways)


def _assembled(value: Json, status: int, rng: random.Random) -> bytes:
    body = dumped(value) if rng.random() < 0.7 else _mutate.spoil(value, rng)
    line = b"HTTP/1.1 %d Said" % status
    headers = [b"Content-Type: application/json"]
    what = rng.random()
    if what < 0.15:
        line = rng.choice(_STATUS_LINES)
    if what > 0.85:
        headers.append(b"Content-Encoding: " + rng.choice(_ENCODINGS))
        body = _encoded(body, rng)
    framing = rng.random()
    if framing < 0.5:
        headers.append(b"Content-Length: %d" % len(body))
    elif framing < 0.7:
        headers.append(b"Content-Length: " + rng.choice((*_LENGTHS, b"%d" % (len(body) + 3))))
    elif framing < 0.9:
        headers.append(b"Transfer-Encoding: " + rng.choice((_TRANSFERS[0], *_TRANSFERS)))
        body = _chunked(body, rng)
        if rng.random() < 0.15:
            headers.append(b"Content-Length: %d" % len(body))
    if rng.random() < 0.3:
        headers.insert(rng.randrange(len(headers) + 1), rng.choice(_HEADERS))
    return line + b"\r\n" + b"\r\n".join(headers) + b"\r\n\r\n" + body


def answer(seed: str, method: str, value: Json) -> Spoiled:
    """The answer of this seed to a request that the value would answer well."""
    rng = random.Random(seed)
    usual = 201 if method == "POST" else 200
    data = _assembled(value, usual if rng.random() < 0.6 else rng.choice(_STATUSES), rng)
    if rng.random() < 0.1:
        data = rng.choice(_PRELUDES) + data
    if rng.random() < 0.1:
        data = data[: rng.randrange(len(data))]
    if rng.random() < 0.1:
        spoiled = bytearray(data)
        for _ in range(rng.choice((1, 2, 8))):
            spoiled[rng.randrange(len(spoiled))] = rng.randrange(256)
        data = bytes(spoiled)
    if rng.random() < 0.05:
        data += data  # a second answer that nobody asked for
    parts: tuple[bytes, ...] = (data,)
    pause = 0.0
    if rng.random() < 0.1:
        cut = rng.randrange(len(data))
        parts, pause = (data[:cut], data[cut:]), rng.uniform(0, 0.05)
    return Spoiled(parts, rng.choice(ENDINGS), pause)
