"""Every form in which an address, a token or a key might be written down."""

import base64
import hashlib
import hmac
import re
from collections.abc import Callable, Iterable, Iterator

Hash = Callable[[bytes], bytes]


def _blake2b(size: int, key: bytes = b"") -> Hash:
    return lambda data: hashlib.blake2b(data, digest_size=size, key=key).digest()


def _blake2s(size: int, key: bytes = b"") -> Hash:
    return lambda data: hashlib.blake2s(data, digest_size=size, key=key).digest()


def _sha(name: str) -> Hash:
    return lambda data: hashlib.new(name, data, usedforsecurity=False).digest()


_PLAIN = ("md5", "sha1", "sha224", "sha256", "sha512", "sha3_256")
_SIZES = (4 * 2, 16, 20, 32, 64)  # of BLAKE2: another length is another hash, not a longer one


def unkeyed_hashes() -> Iterator[tuple[str, Hash]]:
    """Yield the hashes that anybody could compute; their truncations are found by their heads."""
    yield from ((name, _sha(name)) for name in _PLAIN)
    yield from ((f"blake2b-{8 * size}", _blake2b(size)) for size in _SIZES)
    yield from ((f"blake2s-{8 * size}", _blake2s(size)) for size in (8, 16, 32))


def keyed_hashes(key: bytes) -> Iterator[tuple[str, Hash]]:
    """Yield the hashes that the holder of ``key`` could compute."""
    for name in ("md5", "sha1", "sha256", "sha512"):
        yield f"hmac-{name}", lambda data, name=name: hmac.new(key, data, name).digest()  # type: ignore[misc]
        yield f"{name}(key+address)", lambda data, name=name: _sha(name)(key + data)  # type: ignore[misc]
    yield from ((f"keyed blake2b-{8 * size}", _blake2b(size, key)) for size in _SIZES)
    yield from ((f"keyed blake2s-{8 * size}", _blake2s(size, key[:32])) for size in (8, 16, 32))


def python_integer(value: int) -> bytes:
    """Return how CPython stores a large integer: digits of 30 bits, the low one first."""
    digits = []
    while value:
        digits.append((value & (1 << 30) - 1).to_bytes(4, "little"))
        value >>= 30
    return b"".join(digits)


def of_secret(secret: bytes, what: str) -> dict[bytes, str]:
    """Return the secret raw, reversed, as integers, in hexadecimal, decimal and base64."""
    plain = secret.hex()
    pairs = re.findall("..", plain)
    texts = [plain, secret[::-1].hex(), *(sign.join(pairs) for sign in ":-. ")]
    texts += [text.upper() for text in texts]
    numbers = [int.from_bytes(secret, order) for order in ("big", "little")]
    texts += [str(number) for number in numbers if number > 10**6]
    forms = {
        secret: f"{what}, raw",
        secret[::-1]: f"{what}, reversed",
        **{text.encode(): f"{what}, as the text {text[:20]}" for text in texts},
        **{python_integer(number): f"{what}, as an integer" for number in numbers},
        **{text: f"{what}, in base64" for text in _base64(secret)},
    }
    return {form[:64]: name for form, name in forms.items() if len(form) >= 6}


def _base64(secret: bytes) -> Iterator[bytes]:
    """Yield what of its base64 stays the same wherever it stands in a longer text."""
    for before in range(3):
        text = base64.b64encode(bytes(before) + secret)
        first = (8 * before + 5) // 6
        last = 8 * (before + len(secret)) // 6
        sure = text[first:last]
        if len(sure) >= 7:
            yield sure
            yield base64.urlsafe_b64encode(base64.b64decode(text))[first:last]


def of_digest(digest: bytes, what: str) -> dict[bytes, str]:
    """Return the first eight bytes of a digest raw, reversed and as text: so, too, what is cut."""
    head = digest[:8]
    texts = (head.hex(), head.hex().upper(), base64.b64encode(digest)[:10].decode())
    return {head: what, head[::-1]: what} | {text.encode(): what for text in texts}


def derived(addresses: Iterable[bytes], keys: Iterable[bytes]) -> dict[bytes, str]:
    """Return what stands for the addresses: hashes that anybody, or a holder of a key, can make."""
    hashes = list(unkeyed_hashes())
    for number, key in enumerate(keys):
        hashes += [(f"{name} under key {number}", hashed) for name, hashed in keyed_hashes(key)]
    patterns: dict[bytes, str] = {}
    for address in addresses:
        written = (address, address.hex().encode(), address.hex(":").encode())
        for name, hashed in hashes:
            for spelt in written[: 3 if "key" not in name else 1]:
                patterns |= of_digest(hashed(spelt), f"{name} of an address")
    return patterns
