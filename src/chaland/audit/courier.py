"""The only way out of the sensors' network: passes on to the hub, and writes down all that leaves.

Run as ``python -m chaland.audit.courier FOLDER`` in a network namespace of its own. What a sensor
sends to the hub is kept in ``up-N`` (a file per connection), the hub's answers in ``down-N``.
Whatever else is sent, to any machine or port, ends in ``strays``: all other addresses lead to a
device that nobody is behind. Linux only, root only.
"""

import fcntl
import os
import selectors
import socket
import struct
import subprocess
import sys
import threading
from pathlib import Path

HUB_PORT, COURIER_PORT = 8378, 8377
_PORTS = {HUB_PORT, COURIER_PORT}
_TUNSETIFF = 0x400454CA
_IFF_TUN, _IFF_NO_PI = 1, 0x1000
_ETH_P_ALL = 3
_IPV4 = 4
_TCP = 6


def build_network() -> int:
    """Bring up the loopback and a device for strays; return the device's descriptor."""
    device = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(device, _TUNSETIFF, struct.pack("16sH22x", b"out0", _IFF_TUN | _IFF_NO_PI))
    for words in (
        "link set lo up",
        "addr add 10.99.0.2/24 dev out0",
        "link set out0 up",
        "route add default via 10.99.0.1 dev out0",
    ):
        subprocess.run(["ip", *words.split()], check=True)
    return device


def watch_strays(device: int, strays: Path) -> None:
    """Write down packets that leave, and what is said on the loopback beside the hub's ports."""
    loopback = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(_ETH_P_ALL))
    loopback.bind(("lo", _ETH_P_ALL))
    with selectors.DefaultSelector() as waiting, strays.open("ab", 0) as file:
        waiting.register(device, selectors.EVENT_READ)
        waiting.register(loopback, selectors.EVENT_READ)
        while True:
            for ready, _ in waiting.select():
                packet = (
                    os.read(device, 65_536) if ready.fileobj == device else loopback.recv(65_536)
                )
                if not _is_expected(packet):
                    file.write(struct.pack("<I", len(packet)) + packet)


def _is_expected(packet: bytes) -> bool:
    """Tell the hub's conversations, and the kernel's own IPv6 greetings, from strays."""
    if packet[0] >> 4 != _IPV4:
        return packet[6:7] == b"\0" or packet[6:7] == b"\x3a"
    header = 4 * (packet[0] & 15)
    if packet[9] != _TCP:
        return False
    return bool(_PORTS & set(struct.unpack_from(">HH", packet, header)))


def serve(folder: Path) -> None:
    """Pass connections on, for ever."""
    listening = socket.create_server(("127.0.0.1", COURIER_PORT))
    (folder / "ready").touch()
    number = 0
    while True:
        sensor, _ = listening.accept()
        number += 1
        try:
            hub = socket.create_connection(("127.0.0.1", HUB_PORT))
        except OSError:
            sensor.close()
            continue
        for side, other, name in ((sensor, hub, "up"), (hub, sensor, "down")):
            file = folder / f"{name}-{number:05d}"
            threading.Thread(target=_pass_on, args=(side, other, file), daemon=True).start()


def _pass_on(from_side: socket.socket, to_side: socket.socket, file: Path) -> None:
    with file.open("wb", 0) as record:
        try:
            while data := from_side.recv(65_536):
                record.write(data)
                to_side.sendall(data)
            to_side.shutdown(socket.SHUT_WR)
        except OSError:
            to_side.close()


def main(folder: Path) -> None:
    """Build the network, then watch and serve until killed."""
    device = build_network()
    threading.Thread(target=watch_strays, args=(device, folder / "strays"), daemon=True).start()
    serve(folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
