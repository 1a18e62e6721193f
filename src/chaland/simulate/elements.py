"""Element sets of probe requests: what invented phone models say about themselves.

The sets are invented; their make-up (which elements in which order, of what length) follows what
phones of 2019-2025 send. Several models share a set, as in the field, so a set tells kinds of
phones apart and never people. A template holds everything but the SSID, which comes first.
"""

from collections.abc import Mapping

from chaland.simulate.wifi import (
    DS_CHANNEL,
    EXTENDED_CAPABILITIES,
    EXTENDED_RATES,
    EXTENSION,
    HT_CAPABILITIES,
    INTERWORKING,
    RATES,
    VENDOR,
    VHT_CAPABILITIES,
)

HE_CAPABILITIES = 35
FILS_PARAMETERS = 2
_OUIS: Mapping[str, str] = {
    "apple": "0017f20a",
    "microsoft": "0050f208",
    "wps": "0050f204",
    "broadcom": "00101802",
    "wfa": "506f9a16",
    "qualcomm": "8cfdf001",
}
"""Vendor names to OUI and type, as they appear on the air."""


def element(tag: int, value: bytes) -> bytes:
    """Return one element: tag, length, value of at most 255 bytes."""
    return bytes((tag, len(value))) + value


def _vendor(name: str, body: str) -> bytes:
    return element(VENDOR, bytes.fromhex(_OUIS[name] + body))


def _ht(info: str, ampdu: int, streams: int) -> bytes:
    rx = b"\xff" * streams + bytes(16 - streams)
    return element(HT_CAPABILITIES, bytes.fromhex(info) + bytes((ampdu,)) + rx + bytes(7))


def _rates(basic: bool, twelve: bool) -> bytes:
    """Supported and extended rates: four and eight, or eight and four; ``basic`` sets bit 7."""
    slow = bytes.fromhex("82848b96" if basic else "02040b16")
    fast = bytes.fromhex("0c1218243048606c")
    if twelve:
        return element(RATES, slow + fast[:4]) + element(EXTENDED_RATES, fast[4:])
    return element(RATES, slow) + element(EXTENDED_RATES, fast)


DS = element(DS_CHANNEL, b"\x01")
"""The channel; its value is put in per frame (it is no part of a stable fingerprint)."""
_FILS = element(EXTENSION, bytes((FILS_PARAMETERS,)) + b"\x00\x00")
_VHT_A = element(VHT_CAPABILITIES, bytes.fromhex("92719033faff6203faff6203"))
_VHT_B = element(VHT_CAPABILITIES, bytes.fromhex("92f19033feff8601feff8601"))
_INTERWORKING = element(INTERWORKING, bytes.fromhex("0fffffffffffff"))


def _he(caps: str) -> bytes:
    """HE capabilities: 6 bytes of MAC, 11 of PHY, 4 of rates (no 160 MHz, no PPE thresholds)."""
    return element(EXTENSION, bytes((HE_CAPABILITIES,)) + bytes.fromhex(caps))


def _ext(caps: str) -> bytes:
    return element(EXTENDED_CAPABILITIES, bytes.fromhex(caps))


_SHORT = _rates(basic=False, twelve=False) + DS
_BASIC = _rates(basic=True, twelve=False) + DS
_EIGHT = _rates(basic=False, twelve=True) + DS
_HE_A = "0d01089a400002304c0f40c09a0f2e0000fafffaff"
_HE_B = "0178c81a400002bfce00c0ff1b0e2a0000eaffeaff"

ELEMENT_SETS: Mapping[str, bytes] = {
    # One maker's phones: four rates, HT 0x402d, extended capabilities that grew with the years.
    "pomme-8": _SHORT + _ht("2d40", 0x1B, 1) + _ext("0000080400000040"),
    "pomme-8-directed": _SHORT
    + _ht("2d40", 0x1B, 1)
    + _ext("00000884")
    + _INTERWORKING
    + _vendor("apple", "010001040000")
    + _vendor("broadcom", "000000000000"),
    "pomme-11": _BASIC + _ht("2d40", 0x1B, 2) + _ext("0000080400000040000020") + _he(_HE_A),
    "pomme-11-long": _BASIC
    + _ht("2d40", 0x1B, 2)
    + _ext("0000080400000040000020")
    + _he(_HE_A)
    + _vendor("apple", "010001040200")
    + _vendor("microsoft", "00120300")
    + _vendor("broadcom", "000000000010"),
    "pomme-13": _BASIC + _ht("2d40", 0x1B, 2) + _ext("0000080000000040000020") + _he(_HE_B) + _FILS,
    "pomme-15": _BASIC
    + _ht("6f40", 0x1B, 2)
    + _ext("0000080400000040000420")
    + _he(_HE_B)
    + _vendor("apple", "010001080000"),
    "pomme-old": _SHORT + _ht("2140", 0x17, 1) + _ext("0400088400000040"),
    # A second maker: long extended capabilities, a push-button vendor body that changes by device.
    "etoile-20": _SHORT
    + _ht("2d00", 0x1B, 2)
    + _ext("0000480000400040c021")
    + _he(_HE_A)
    + _FILS
    + _vendor("wfa", "030103")
    + _vendor("microsoft", "00120300")
    + _vendor("broadcom", "000000000000"),
    "etoile-20-directed": _SHORT + _ht("2d00", 0x1B, 2) + _ext("0000480000400040") + _he(_HE_A),
    "etoile-a": _EIGHT
    + _ht("6f01", 0x17, 1)
    + _ext("0400000000000040")
    + _vendor("microsoft", "0012"),
    "etoile-a-vht": _EIGHT
    + _ht("6f01", 0x17, 1)
    + _ext("0400000000000040")
    + _VHT_A
    + _vendor("wps", "104a000110104400010210"),
    "etoile-m": _SHORT + _ht("2d11", 0x17, 1) + _ext("04000a82004000408001") + _VHT_B,
    # Several makers on one radio chip: the same sets come from phones of different names.
    "puce-q": _SHORT
    + _ht("ef01", 0x13, 1)
    + _ext("04000a8200400040800120")
    + _VHT_B
    + _vendor("qualcomm", "010200")
    + _he(_HE_B)
    + _FILS
    + _vendor("wfa", "030103"),
    "puce-q-short": _SHORT + _ht("ef01", 0x13, 1) + _ext("0000080000000040"),
    "puce-q-old": _EIGHT + _ht("ad01", 0x13, 1) + _ext("00000a82004000000001"),
    "puce-m": _EIGHT
    + _ht("6f09", 0x17, 2)
    + _ext("00000880014000000000")
    + _vendor("microsoft", "000000"),
    "puce-m-he": _EIGHT + _ht("6f09", 0x17, 2) + _ext("0000088001400000") + _he(_HE_A),
    "kirin": _BASIC + _ht("6f01", 0x17, 2) + _ext("0100008000000040"),
    "kirin-wps": _BASIC
    + _ht("6f01", 0x17, 2)
    + _ext("0100008000000040")
    + _vendor("wps", "104a000110104400010110"),
    "tenseur": _SHORT + _ht("6f01", 0x1F, 2) + _ext("04004a0200400040c021") + _he(_HE_B) + _VHT_A,
    "tenseur-fils": _SHORT
    + _ht("6f01", 0x1F, 2)
    + _ext("04004a0200400040c021")
    + _he(_HE_B)
    + _FILS,
    "bavard": _rates(basic=True, twelve=True) + _vendor("wps", "104a0001101044000101"),
    "portable": _rates(basic=False, twelve=True)
    + _ht("e709", 0x17, 2)
    + _ext("0400c880014000000000")
    + _vendor("broadcom", "020000000000"),
    "montre": _EIGHT + _ht("2c00", 0x03, 1),
}
"""Name of a set to its bytes after the SSID."""
