"""Numbers of IEEE 802.11 and radiotap that the simulated radio writes."""

RATES = 1
DS_CHANNEL = 3
HT_CAPABILITIES = 45
EXTENDED_RATES = 50
INTERWORKING = 107
EXTENDED_CAPABILITIES = 127
VHT_CAPABILITIES = 191
VENDOR = 221
EXTENSION = 255

LINK_TYPE_RADIOTAP = 127
FRAME_ASSOCIATION_REQUEST = b"\x00\x00"
FRAME_PROBE_REQUEST = b"\x40\x00"
FRAME_BEACON = b"\x80\x00"
FRAME_AUTHENTICATION = b"\xb0\x00"
FRAME_DATA_TO_DS = b"\x08\x41"
FRAME_DATA_TO_DS_AGAIN = b"\x08\x49"
"""A protected data frame towards the access point, and the same sent again."""
BROADCAST = b"\xff" * 6

CHANNELS_MHZ = {1: 2412, 6: 2437, 11: 2462}
"""The three channels of 2.4 GHz that do not overlap, and their centres."""
