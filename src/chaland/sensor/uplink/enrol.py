"""Enrolling this box: one request to the hub, answered the same when it is asked again."""

import httpx
from nacl.signing import SigningKey

from chaland.wire import enrolment
from chaland.wire.enrolment import Enrolled
from chaland.wire.errors import WireErrorFinal

PATH = "/api/v1/sensors/enrol"
TIMEOUT_S = 20.0


class EnrolErrorTemporary(Exception):
    """The hub could not be asked; the same command may succeed later."""


class EnrolErrorFinal(Exception):
    """The hub refused; the message is its own and says what to do."""


def enrol(hub: str, code: str, key: SigningKey, client: httpx.Client) -> Enrolled:
    """Ask the hub to make the holder of ``key`` a sensor.

    Raises WireErrorFinal for what can't be a code, EnrolErrorTemporary, EnrolErrorFinal.
    """
    url = hub.rstrip("/") + PATH
    body = enrolment.encode(enrolment.request(key, code))
    headers = {"Content-Type": "application/json"}
    try:
        response = client.post(url, content=body, headers=headers, timeout=TIMEOUT_S)
    except httpx.HTTPError as error:
        raise EnrolErrorTemporary(
            f"the hub can't be reached at {url} ({type(error).__name__}: {error}): check the "
            "address and this box's network, then run the same command again"
        ) from None
    return _read(url, key, response)


def _read(url: str, key: SigningKey, response: httpx.Response) -> Enrolled:
    try:
        if response.is_success:
            return enrolment.decode_enrolled(response.content, bytes(key.verify_key))
        refusal = enrolment.decode_refusal(response.content)
    except WireErrorFinal as error:
        raise EnrolErrorTemporary(
            f"{url} answered {response.status_code}, and not as a Chaland hub does ({error}): "
            "check the hub's address"
        ) from None
    if response.status_code == httpx.codes.TOO_MANY_REQUESTS:
        raise EnrolErrorTemporary(refusal.message)
    raise EnrolErrorFinal(f"{refusal.code}: {refusal.message}")
