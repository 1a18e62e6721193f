"""One bound SMPP 3.4 connection: requests from several threads, one thread that reads.

The packets are aiosmpplib's; its own client is not used: it logs numbers, ends the connection over
a receipt that it can't read, and looks through all that it ever sent at each message.
"""

import contextlib
import select
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from concurrent.futures import Future
from itertools import count

from aiosmpplib import (
    BindTransceiver,
    DeliverSm,
    DeliverSmResp,
    EnquireLink,
    EnquireLinkResp,
    GenericNack,
    SmppCommand,
    SmppCommandStatus,
    SmppDataCoding,
    SmppMessage,
    SubmitSm,
    SubmitSmResp,
    Unbind,
    UnbindResp,
)
from django.utils.translation import gettext as _

from chaland.hub.loyalty.outreach.faults import words
from chaland.hub.loyalty.outreach.shapes import GatewayErrorFinal, GatewayErrorTemporary

_CONNECT_S, _ANSWER_S, _QUIET_S = 10, 30, 30
_HEADER, _LONGEST = 16, 70_000
_OURS_TO_MEND = {
    SmppCommandStatus.ESME_RINVPASWD,
    SmppCommandStatus.ESME_RINVSYSID,
    SmppCommandStatus.ESME_RBINDFAIL,
}


class LineBroken(Exception):
    """The connection ended, or no answer came: what was asked may have been done."""


class Line:
    """Bound from the start. GatewayErrorTemporary, …Final: it could not be bound."""

    def __init__(
        self,
        host: str,
        port: int,
        bind: BindTransceiver,
        hear: Callable[[DeliverSm], bool],
        *,
        tls: bool,
    ) -> None:
        """``hear`` is called in the reading thread; False asks the other side to say it again."""
        self._hear = hear
        self._asked: dict[int, tuple[Future[SubmitSmResp], Callable[[SubmitSmResp], None]]] = {}
        self._numbers = count(2)
        self._lock = threading.Lock()
        self.broken = False
        try:
            plain = socket.create_connection((host, port), _CONNECT_S)
            self._socket = (
                ssl.create_default_context().wrap_socket(plain, server_hostname=host)
                if tls
                else plain
            )
            bind.sequence_num = 1
            self._socket.sendall(bind.pdu())
            _number, status, _body = self._packet(SmppCommand.BIND_TRANSCEIVER_RESP)
        except (OSError, LineBroken) as error:
            raise GatewayErrorTemporary(f"SMPP: {words(error)}") from None
        if status:
            self._socket.close()
            raise _refusal(status)
        self._socket.settimeout(_ANSWER_S)
        self._reader = threading.Thread(target=self._read, name="smpp", daemon=True)
        self._reader.start()

    def submit(self, message: SubmitSm, remember: Callable[[SubmitSmResp], None]) -> SubmitSmResp:
        """Send one packet and wait for its answer; ``remember`` has it before what comes after it.

        LineBroken: nobody knows what became of it.
        """
        answer: Future[SubmitSmResp] = Future()
        with self._lock:
            if self.broken:
                raise GatewayErrorTemporary("SMPP: the connection ended.")
            number = message.sequence_num = next(self._numbers)
            self._asked[number] = answer, remember
            packet = message.pdu()
            try:
                self._socket.sendall(packet)
            except OSError as error:
                raise LineBroken(type(error).__name__) from None
        try:
            return answer.result(_ANSWER_S)
        except TimeoutError:
            raise LineBroken("no answer") from None
        finally:
            self._asked.pop(number, None)

    def close(self) -> None:
        """Say goodbye."""
        with contextlib.suppress(OSError):
            self._send(Unbind(sequence_num=next(self._numbers)))
            self._reader.join(2)
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._reader.join(2)
        self._socket.close()

    def _read(self) -> None:
        asked_if_there = False
        try:
            while True:
                if not select.select([self._socket], [], [], _QUIET_S)[0]:
                    if asked_if_there:
                        break
                    self._send(EnquireLink(sequence_num=next(self._numbers)))
                    asked_if_there = True
                    continue
                asked_if_there = False
                if not self._take(*self._packet()):
                    break
        except (OSError, LineBroken, ValueError):
            pass  # whatever it was, the connection is given up: those who wait are told below
        finally:
            with self._lock:
                self.broken = True
            for answer, _remember in list(self._asked.values()):
                if not answer.done():
                    answer.set_exception(LineBroken("the connection ended"))
            self._socket.close()

    def _packet(self, wanted: SmppCommand | None = None) -> tuple[int, int, bytes]:
        """Read one packet: its sequence number, its status, and all its bytes."""
        header = self._exactly(_HEADER)
        length, command, status, number = struct.unpack("!IIII", header)
        if not _HEADER <= length <= _LONGEST or (wanted and command != wanted):
            raise LineBroken("not SMPP")
        return number, status, header + self._exactly(length - _HEADER)

    def _exactly(self, size: int) -> bytes:
        found = b""
        while len(found) < size:
            more = self._socket.recv(size - len(found))
            if not more:
                raise LineBroken("the connection ended")
            found += more
        return found

    def _take(self, number: int, status: int, packet: bytes) -> bool:
        """Act on a packet; False: the other side says goodbye."""
        command = struct.unpack_from("!I", packet, 4)[0]
        if command in (SmppCommand.SUBMIT_SM_RESP, SmppCommand.GENERIC_NACK):
            self._answered(number, status, packet)
        elif command == SmppCommand.DELIVER_SM:
            self._deliver(number, packet)
        elif command == SmppCommand.ENQUIRE_LINK:
            self._send(EnquireLinkResp(number))
        elif command == SmppCommand.UNBIND:
            self._send(UnbindResp(number))
            return False
        elif command == SmppCommand.UNBIND_RESP:
            return False
        elif not command & 0x80000000:
            self._send(GenericNack(number, SmppCommandStatus.ESME_RINVCMDID))
        return True

    def _answered(self, number: int, status: int, packet: bytes) -> None:
        answer, remember = self._asked.get(number, (None, None))
        if answer is None or remember is None or answer.done():
            return
        message_id = packet[_HEADER:].split(b"\0")[0].decode("ascii", "replace")[:64]
        told = SubmitSmResp(number, _known(status), message_id=message_id)
        remember(told)
        answer.set_result(told)

    def _deliver(self, number: int, packet: bytes) -> None:
        try:
            message = _delivered(packet)
        except (ValueError, LookupError, struct.error):
            self._send(DeliverSmResp(number, SmppCommandStatus.ESME_RX_P_APPN))
            return
        taken = self._hear(message)
        status = SmppCommandStatus.ESME_ROK if taken else SmppCommandStatus.ESME_RX_T_APPN
        self._send(DeliverSmResp(number, status))

    def _send(self, message: SmppMessage) -> None:
        with self._lock:
            self._socket.sendall(message.pdu())


def _delivered(packet: bytes) -> DeliverSm:
    """Read a deliver_sm. One in a coding that isn't known, or isn't what it says, is read as
    Latin-1: its letters are enough to know a STOP by. ValueError, LookupError: it is none."""
    header = SmppMessage.parse_header(packet)
    try:
        message = DeliverSm.from_pdu(packet, header, "gsm0338")
    except ValueError:
        place = _coding_place(packet)
        latin = packet[:place] + bytes((SmppDataCoding.latin_1,)) + packet[place + 1 :]
        message = DeliverSm.from_pdu(latin, header, "gsm0338")
    if not isinstance(message, DeliverSm):
        raise ValueError("This is no deliver_sm.")
    return message


def _coding_place(packet: bytes) -> int:
    """Where data_coding stands: after five texts that end with a zero, and what is between."""
    place = _HEADER
    for after in (2, 2, 3, 0, 2):  # service, source, destination, schedule, validity
        place = packet.index(0, place) + 1 + after
    return place


def _known(status: int) -> SmppCommandStatus:
    try:
        return SmppCommandStatus(status)
    except ValueError:  # one of the operator's own
        return SmppCommandStatus.ESME_RUNKNOWNERR


def _refusal(status: int) -> GatewayErrorTemporary | GatewayErrorFinal:
    known = _known(status)
    if known in _OURS_TO_MEND:
        told = _("The operator refuses the user name or the password (%(code)s).")
        return GatewayErrorFinal(told % {"code": known.name})
    return GatewayErrorTemporary(f"SMPP: {known.name}")
