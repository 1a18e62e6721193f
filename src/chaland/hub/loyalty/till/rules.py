"""Pairing codes and PINs: what is drawn, what is refused, what is stored. No Django."""

import hashlib
import hmac
import secrets
from datetime import timedelta
from itertools import pairwise

CODE_SIGNS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
"""No 0 and O, 1, I and L: the code is read from one screen and typed on another."""
CODE_LENGTH = 10
CODE_LIFE = timedelta(minutes=15)
WRONG_PINS_BEFORE_LOCK = 5
LOCK = timedelta(minutes=15)
"""Five tries, then four an hour: the 10,000 PINs of four digits take a hundred days."""
PIN_LENGTHS = range(4, 9)


def draw_code() -> str:
    """Draw a one-time pairing code (49 bits), in the form in which it is stored."""
    return "".join(secrets.choice(CODE_SIGNS) for _ in range(CODE_LENGTH))


def shown_code(code: str) -> str:
    """Return a code as people read it: ``K7QM2-XWPHR``."""
    return f"{code[:5]}-{code[5:]}"


def typed_code(text: str) -> str:
    """Return what was typed without gaps and dashes, in capitals."""
    return "".join(sign for sign in text.upper() if sign.isalnum())[: 2 * CODE_LENGTH]


def token_hash(token: str) -> str:
    """Return what is stored of a device's cookie or pairing code: both are drawn at random."""
    return hashlib.sha256(token.encode()).hexdigest()


def is_weak_pin(pin: str) -> bool:
    """Say whether a PIN is no 4 to 8 digits, one digit repeated, or digits in a row."""
    if len(pin) not in PIN_LENGTHS or not (pin.isascii() and pin.isdigit()):
        return True
    steps = {(int(b) - int(a)) % 10 for a, b in pairwise(pin)}
    return len(steps) == 1 and steps <= {0, 1, 9}


def pin_hash(pin: str, key: bytes, salt: str = "") -> str:
    """Return ``salt$HMAC-SHA-256``. The key makes it worthless to who has the database alone."""
    salt = salt or secrets.token_hex(8)
    mac = hmac.new(key, f"chaland till pin:{salt}:{pin}".encode(), hashlib.sha256)
    return f"{salt}${mac.hexdigest()}"


def pin_fits(pin: str, stored: str, key: bytes) -> bool:
    """Compare in constant time."""
    return hmac.compare_digest(pin_hash(pin, key, stored.partition("$")[0]), stored)
