"""Writes: consents given and withdrawn, chained; the permissions that follow; checks of both."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db import transaction

from chaland.hub.common import clock
from chaland.hub.loyalty.consent import wordings
from chaland.hub.loyalty.consent.rules import (
    EXPLICIT,
    PLACES,
    ConsentErrorFinal,
    Link,
    Said,
    broken_at,
    checked_evidence,
    commitment,
    next_digest,
)
from chaland.hub.loyalty.models import (
    Channel,
    ConsentEvent,
    Member,
    Permission,
    Purpose,
    Wording,
)

_BATCH = 2_000
Key = tuple[int, str, str]
"""Controller, purpose, channel."""


@dataclass(frozen=True, slots=True)
class Decision:
    """One box: may ``controller`` (0: the association) use the channel for the purpose?

    ``wording_id`` is the text that was shown; a consent needs it, a withdrawal doesn't.
    """

    controller: int
    purpose: str
    channel: str
    given: bool
    wording_id: int | None = None

    @property
    def key(self) -> Key:
        return (self.controller, self.purpose, self.channel)


@dataclass(frozen=True, slots=True)
class Recording:
    """What one member decided, once, somewhere."""

    member: Member
    decisions: Sequence[Decision]
    place: str
    occurred_at: datetime
    evidence: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Verified:
    """What a check of a chain found: its length, its head, and where it breaks (None: sound)."""

    events: int
    head: str
    broken_at: int | None

    @property
    def sound(self) -> bool:
        return self.broken_at is None


def record(
    member: Member,
    decisions: Sequence[Decision],
    *,
    place: str,
    occurred_at: datetime,
    evidence: Mapping[str, object] | None = None,
) -> list[ConsentEvent]:
    """Record decisions of a member, and return the events; a box that changes nothing makes none.

    Unticked boxes are no decision at a till or in a file; said to staff, in the account or by
    STOP, "no" is recorded even where nothing was ever agreed to. ConsentErrorFinal on a consent
    without its text.
    """
    return record_many([Recording(member, decisions, place, occurred_at, evidence or {})])


def record_many(recordings: Sequence[Recording]) -> list[ConsentEvent]:
    """Record decisions of many members (each once) in one transaction: all of them, or none."""
    texts = wordings.for_decisions(
        d.wording_id for r in recordings for d in r.decisions if d.wording_id is not None
    )
    with transaction.atomic(using="loyalty"):
        ids = [r.member.pk for r in recordings if r.decisions]
        members, held = _locked(ids), _held(ids)
        events: list[ConsentEvent] = []
        changed: list[Permission] = []
        recorded_at = clock.now()
        for recording in recordings:
            member = members.get(recording.member.pk)
            if member is None:
                continue
            added = _events(member, recording, held.get(member.pk, {}), texts, recorded_at)
            events += added
            changed += [_permission(member, event) for event in added]
            _keep_head(recording.member, member)
        ConsentEvent.objects.bulk_create(events, batch_size=_BATCH)
        _store(changed)
        touched = {event.chain for event in events}
        moved = [m for m in members.values() if m.chain in touched]
        Member.objects.bulk_update(moved, ["chain_position", "chain_digest"], batch_size=500)
    return events


def _locked(ids: Sequence[int]) -> dict[int, Member]:
    """Lock members in order of their ids, so that two writers can't wait for each other; rows
    that name them may be written meanwhile."""
    found: dict[int, Member] = {}
    for at in range(0, len(ids), _BATCH):
        part = Member.objects.select_for_update(no_key=True).filter(pk__in=ids[at : at + _BATCH])
        found |= {member.pk: member for member in part.order_by("pk")}
    return found


def _held(ids: Sequence[int]) -> dict[int, dict[Key, Permission]]:
    held: dict[int, dict[Key, Permission]] = {}
    for at in range(0, len(ids), _BATCH):
        for row in Permission.objects.filter(member__in=ids[at : at + _BATCH]):
            held.setdefault(row.member_id, {})[row.controller, row.purpose, row.channel] = row
    return held


def _keep_head(given: Member, locked: Member) -> None:
    """Let the caller's copy know the chain's new head, lest a later save put an old one back."""
    given.chain_position, given.chain_digest = locked.chain_position, locked.chain_digest


def _events(
    member: Member,
    recording: Recording,
    held: Mapping[Key, Permission],
    texts: Mapping[int, Wording],
    recorded_at: datetime,
) -> list[ConsentEvent]:
    if recording.place not in PLACES:
        raise ConsentErrorFinal("place", f"no place is called {recording.place}")
    evidence = checked_evidence(recording.evidence)
    state = {key: row.given for key, row in held.items()}
    events = []
    for decision in recording.decisions:
        before = state.get(decision.key)
        row = held.get(decision.key)
        text = _checked(member, decision, texts)
        silent = not decision.given and before is None and recording.place not in EXPLICIT
        late = decision.given and row is not None and row.since > recording.occurred_at
        if before == decision.given or silent or late:
            continue  # late: an older yes that comes in now doesn't undo a later no
        state[decision.key] = decision.given
        said = Said(
            chain=member.chain,
            position=member.chain_position + 1,
            controller=decision.controller,
            purpose=decision.purpose,
            channel=decision.channel,
            given=decision.given,
            wording_digest=text.digest if text else "",
            place=recording.place,
            evidence=evidence,
            occurred_at=recording.occurred_at,
            recorded_at=recorded_at,
        )
        events.append(_appended(member, said, text))
    return events


def _checked(member: Member, decision: Decision, texts: Mapping[int, Wording]) -> Wording | None:
    """Return the text of a consent; ConsentErrorFinal where it isn't this purpose's and town's."""
    if (decision.purpose == Purpose.PORTRAIT) != (decision.channel == Channel.NONE):
        raise ConsentErrorFinal("channel", f"{decision.purpose} is not asked by {decision.channel}")
    if not decision.given:
        return None
    text = texts.get(decision.wording_id) if decision.wording_id is not None else None
    if text is None:
        raise ConsentErrorFinal("wording", "a consent says which text was shown")
    told = (text.association_id, text.purpose, text.channel)
    if told != (member.association_id, decision.purpose, decision.channel):
        raise ConsentErrorFinal("wording", "this text asks something else")
    return text


def _appended(member: Member, said: Said, text: Wording | None) -> ConsentEvent:
    """Make the chain's next event, and move the member's head to it."""
    committed = commitment(said, bytes(member.chain_salt))
    member.chain_digest = next_digest(member.chain_digest, member.chain, committed)
    member.chain_position = said.position
    return ConsentEvent(
        chain=said.chain,
        position=said.position,
        controller=said.controller,
        purpose=said.purpose,
        channel=said.channel,
        given=said.given,
        wording=text,
        place=said.place,
        evidence=dict(said.evidence),
        occurred_at=said.occurred_at,
        recorded_at=said.recorded_at,
        commitment=committed,
        digest=member.chain_digest,
    )


def _permission(member: Member, event: ConsentEvent) -> Permission:
    return Permission(
        member=member,
        controller=event.controller,
        purpose=event.purpose,
        channel=event.channel,
        given=event.given,
        since=event.occurred_at,
    )


def _store(changed: Sequence[Permission]) -> None:
    last = {(p.member_id, p.controller, p.purpose, p.channel): p for p in changed}
    Permission.objects.bulk_create(
        last.values(),
        update_conflicts=True,
        unique_fields=["member", "controller", "purpose", "channel"],
        update_fields=["given", "since"],
        batch_size=_BATCH,
    )


def withdraw_all(
    member: Member,
    *,
    place: str,
    occurred_at: datetime,
    channel: str = "",
    evidence: Mapping[str, object] | None = None,
) -> list[ConsentEvent]:
    """Withdraw all that a member agreed to, for every shop; of one channel where it is named."""
    held = Permission.objects.filter(member=member, given=True)
    if channel:
        held = held.filter(channel=channel)
    decisions = [Decision(p.controller, p.purpose, p.channel, given=False) for p in held]
    return record(member, decisions, place=place, occurred_at=occurred_at, evidence=evidence)


def verify(chain: UUID, salt: bytes | None) -> Verified:
    """Check a chain from its first event; without a salt (erased) the digests alone."""
    links = [_link(event) for event in chain_of(chain)]
    broken, head = broken_at(chain, links, salt)
    return Verified(len(links), head, broken)


def verify_member(member: Member) -> Verified:
    """Check a member's chain, its end, and that the permissions are what it leads to."""
    found = verify(member.chain, bytes(member.chain_salt))
    if not found.sound:
        return found
    told = (member.chain_position, member.chain_digest)
    if (found.events, found.head) != told:
        return Verified(found.events, found.head, found.events + 1)
    kept = {
        (p.controller, p.purpose, p.channel): (p.given, p.since)
        for p in Permission.objects.filter(member=member)
    }
    if kept != state_after(chain_of(member.chain)):
        return Verified(found.events, found.head, found.events)
    return found


def chain_of(chain: UUID) -> Iterable[ConsentEvent]:
    """Return a chain's events in order, with their texts."""
    return ConsentEvent.objects.filter(chain=chain).select_related("wording").order_by("position")


def state_after(events: Iterable[ConsentEvent]) -> dict[Key, tuple[bool, datetime]]:
    """Return what events lead to: for each controller, purpose and channel, given and since."""
    return {(e.controller, e.purpose, e.channel): (e.given, e.occurred_at) for e in events}


def rebuild(member: Member) -> None:
    """Make a member's permissions anew from the events."""
    with transaction.atomic(using="loyalty"):
        Member.objects.select_for_update(no_key=True).get(pk=member.pk)
        Permission.objects.filter(member=member).delete()
        _store([_permission(member, event) for event in chain_of(member.chain)])


def _link(event: ConsentEvent) -> Link:
    said = Said(
        chain=event.chain,
        position=event.position,
        controller=event.controller,
        purpose=event.purpose,
        channel=event.channel,
        given=event.given,
        wording_digest=wordings.digest_of(event.wording.text) if event.wording else "",
        place=event.place,
        evidence=event.evidence,
        occurred_at=event.occurred_at,
        recorded_at=event.recorded_at,
    )
    return Link(said, event.commitment, event.digest)
