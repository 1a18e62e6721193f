"""Messages to members: campaigns, each delivery's fate, the pressure on each member, and who must
not be written to."""

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _

from chaland.hub.loyalty.fields import SealedTextField, uuid7
from chaland.hub.loyalty.models.consent import Channel, Purpose
from chaland.hub.loyalty.models.members import Member
from chaland.hub.loyalty.models.sales import PrivateSale


class Gateway(models.Model):
    """By what an association's messages of one channel leave: a driver and its settings."""

    association_id = models.BigIntegerField()
    channel = models.CharField(max_length=8, choices=Channel)
    driver = models.CharField(max_length=12)
    """A name of ``outreach.drivers``' closed list."""
    settings = SealedTextField()
    """JSON: addresses, user names and passwords of the provider."""
    sender = models.CharField(_("sender"), max_length=120)
    """SMS: at most 11 letters and digits (L7); e-mail: the address after From."""
    hook = SealedTextField()
    hook_hash = models.CharField(max_length=64, unique=True)
    """SHA-256 of the secret part of the address that the provider reports to; ``hook`` is it."""
    rate_per_s = models.PositiveIntegerField(default=10)
    """At most so many messages a second, of each worker; 0: as fast as it takes them."""
    first_hour = models.PositiveIntegerField(default=0)
    """Slow start: so many in the first hour of a campaign, twice as many in each next; 0: none."""
    active = models.BooleanField(default=True)
    proof = models.JSONField(default=dict)
    """E-mail: what SPF, DKIM and DMARC said of the sender's domain (L10), and when."""
    trouble = models.CharField(max_length=200, blank=True)
    """Why nothing can be handed over to it just now, in the language of the association, no address
    in it."""
    deaf = models.CharField(max_length=200, blank=True)
    """Why what comes back can't be fetched from it; what leaves is another matter."""
    created_at = models.DateTimeField()

    class Meta:
        verbose_name = _("gateway")
        constraints = [
            models.UniqueConstraint(
                fields=["association_id", "channel"],
                condition=models.Q(active=True),
                name="gateway_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.driver} {self.channel}"


class Campaign(models.Model):
    """One message to an audience; or, with ``automatic``, one that goes out whenever its moment
    comes for a member (then it runs on, and each delivery names its ``occasion``)."""

    class State(models.TextChoices):
        DRAFT = "draft", _("in preparation")
        SCHEDULED = "scheduled", _("scheduled")
        RUNNING = "running", _("being sent")
        PAUSED = "paused", _("paused")
        FINISHED = "finished", _("sent")
        CANCELLED = "cancelled", _("cancelled")

    class Automatic(models.TextChoices):
        NO = "", _("not automatic")
        POINTS = "points", _("points about to lapse")
        STAMPS = "stamps", _("a stamp card nearly full")
        BIRTHDAY = "birthday", _("birthday month")
        RECEIPT = "receipt", _("a receipt by link")

    association_id = models.BigIntegerField()
    controller = models.BigIntegerField()
    """Whose consent it rests on: 0 is the association, else a shop's id."""
    sale = models.ForeignKey(PrivateSale, models.PROTECT, null=True, related_name="campaigns")
    automatic = models.CharField(max_length=10, choices=Automatic, blank=True)
    name = models.CharField(_("name"), max_length=80)
    purpose = models.CharField(max_length=12, choices=Purpose, default=Purpose.OFFERS)
    channels = models.JSONField(default=list)
    """In order of preference: each member is written to by the first that reaches."""
    criteria = models.JSONField(default=list)
    """``outreach.audience.segments``' closed list; empty: everybody who agreed."""
    holdout_percent = models.PositiveSmallIntegerField(default=10)
    seed = models.BigIntegerField()
    state = models.CharField(max_length=10, choices=State, default=State.DRAFT)
    send_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    """After it nothing is sent any more: what comes late, or back from a back-up, stays."""
    frozen_at = models.DateTimeField(null=True)
    """When the audience was drawn: since then it does not change."""
    counted = models.JSONField(default=dict)
    """Of the drawing: how many were chosen, held out, and left out, by reason; before it, whom it
    would have written to when it was announced."""
    trouble = models.CharField(max_length=200, blank=True)
    """Why it was paused by itself when its audience should have been drawn, or why its messages
    can't be written."""
    results = models.JSONField(default=dict)
    results_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=80)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("campaign")
        indexes = [
            models.Index(fields=["association_id", "send_at"], name="campaign_calendar"),
            models.Index(fields=["state", "send_at"], name="campaign_due"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["association_id", "controller", "automatic"],
                condition=~models.Q(automatic=""),
                name="campaign_automatic_once",
            )
        ]

    def __str__(self) -> str:
        return self.name


class CampaignText(models.Model):
    """What a campaign says by one channel in one language. ``html`` is compiled when saved."""

    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="texts")
    channel = models.CharField(max_length=8, choices=Channel)
    language = models.CharField(max_length=2)
    subject = models.CharField(_("subject"), max_length=120, blank=True)
    body = models.TextField(_("text"))
    """Plain text: paragraphs, ``{first_name}``, ``{link}``… (``outreach.placeholders``)."""
    button = models.CharField(_("button"), max_length=40, blank=True)
    html = models.TextField(blank=True)

    class Meta:
        verbose_name = _("campaign’s text")
        constraints = [
            models.UniqueConstraint(fields=["campaign", "channel", "language"], name="text_once")
        ]

    def __str__(self) -> str:
        return f"{self.channel} {self.language} of campaign {self.campaign_id}"


class Delivery(models.Model):
    """One message to one member by one channel: the queue, and its record. It holds no address:
    that is read, with consent and suppression, in the moment of sending (``audience.reaching``)."""

    class State(models.TextChoices):
        PLANNED = "planned", _("planned")
        HELD = "held", _("waits")  # ``reason`` says for what; tried again by itself
        READY = "ready", _("ready")
        CLAIMED = "claimed", _("taken by a worker")  # lease
        SENDING = "sending", _("being sent")  # committed before the call
        ACCEPTED = "accepted", _("handed over")
        UNKNOWN = "unknown", _("unknown")  # the call may have been made: never blindly again
        DELIVERED = "delivered", _("delivered")
        BOUNCED = "bounced", _("bounced")
        FAILED = "failed", _("failed")
        NOT_SENT = "not_sent", _("not sent")  # final; ``reason`` says why

    class Reason(models.TextChoices):
        NONE = "", ""
        HELD_OUT = "held_out", _("kept apart, to measure the effect")
        NO_CONSENT = "no_consent", _("has not agreed, or no longer")
        SUPPRESSED = "suppressed", _("said stop, or the address bounced")
        CAP = "cap", _("has had as many messages as are allowed")
        OWN_CAP = "own_cap", _("has had as many messages as the member wants")
        OTHERS_TURN = "others_turn", _("it was another shop’s turn")
        PAUSED_MEMBER = "paused_member", _("the membership rests")
        GONE = "gone", _("is no longer a member")
        NO_CONTACT = "no_contact", _("no address for this channel")
        # These five are never stored: a page asks `outreach.waiting` why what is ready stays.
        QUIET = "quiet", _("waits for the hours in which messages may be sent")
        PAUSED = "paused", _("the campaign is paused")
        SLOW = "slow", _("waits for its turn")
        NO_GATEWAY = "no_gateway", _("nothing is set up by which it could leave")
        DOUBT = "doubt", _("waits until it is sure what has left already")

        GATEWAY = "gateway", _("the gateway does not answer")
        UNWRITTEN = "unwritten", _("the message can’t be written")
        EXPIRED = "expired", _("too late: out of date")
        CANCELLED = "cancelled", _("the campaign was cancelled")
        SALE_OVER = "sale_over", _("the sale is over or cancelled")
        REFUSED = "refused", _("refused by the gateway")

    key = models.UUIDField(default=uuid7, unique=True)
    """Ours, at the provider, in the Message-ID and in the bounce address. It names nobody, and is
    computed (``outreach.keys``)."""
    campaign = models.ForeignKey(Campaign, models.PROTECT, related_name="deliveries")
    member = models.ForeignKey(Member, models.SET_NULL, null=True, related_name="deliveries")
    channel = models.CharField(max_length=8, choices=Channel)
    occasion = models.CharField(max_length=40, blank=True)
    """Of an automatic message: what for, so that it is said once (``points 2026-12``)."""
    state = models.CharField(max_length=10, choices=State, default=State.PLANNED)
    reason = models.CharField(max_length=14, choices=Reason, blank=True)
    not_before = models.DateTimeField()
    expires_at = models.DateTimeField()
    lease = models.UUIDField(null=True)
    """The worker that took it last (``engine.journal``)."""
    leased_until = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    gateway = models.ForeignKey(Gateway, models.SET_NULL, null=True, related_name="+")
    provider_id = models.CharField(max_length=120, blank=True)
    segments = models.PositiveSmallIntegerField(default=0)
    cost_microcents = models.PositiveBigIntegerField(default=0)
    """Millionths of a cent: a provider charges parts of one."""
    code = models.CharField(max_length=80, blank=True)
    """What the gateway or the other mail server said last, without any address."""
    sending_at = models.DateTimeField(null=True)
    changed_at = models.DateTimeField()

    class Meta:
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        constraints = [
            models.UniqueConstraint(
                fields=["campaign", "member", "channel", "occasion"], name="delivery_once"
            )
        ]
        indexes = [
            models.Index(
                fields=["campaign", "channel", "not_before"],
                condition=models.Q(state__in=("planned", "held", "ready")),
                name="delivery_waiting",
            ),
            models.Index(
                fields=["leased_until"],
                condition=models.Q(state__in=("claimed", "sending")),
                name="delivery_leased",
            ),
            models.Index(
                fields=["gateway", "sending_at"],
                condition=models.Q(state="unknown"),
                name="delivery_unknown",
            ),
            models.Index(fields=["campaign", "state", "reason"], name="delivery_progress"),
            models.Index(fields=["gateway", "provider_id"], name="delivery_provider"),
            models.Index(fields=["sending_at"], name="delivery_sent"),
        ]

    def __str__(self) -> str:
        return f"delivery {self.key}"


class DeliveryEvent(models.Model):
    """What a provider said of a delivery, in whatever order; the same word twice is one."""

    delivery = models.ForeignKey(Delivery, models.CASCADE, related_name="events")
    at = models.DateTimeField()
    kind = models.CharField(max_length=12)
    """A name of ``outreach.shapes.Kind``."""
    code = models.CharField(max_length=80, blank=True)

    class Meta:
        verbose_name = _("report of a delivery")
        constraints = [
            models.UniqueConstraint(fields=["delivery", "kind", "code"], name="delivery_event_once")
        ]

    def __str__(self) -> str:
        return f"{self.kind} of delivery {self.delivery_id}"


class Pressure(models.Model):
    """One promotional message that a member got or is about to get, whoever sends it and by which
    channel: what the caps count (L12). Made in the transaction that claims the delivery."""

    member = models.ForeignKey(Member, models.CASCADE, related_name="pressure")
    delivery = models.OneToOneField(Delivery, models.CASCADE, related_name="pressure")
    controller = models.BigIntegerField()
    at = models.DateTimeField()

    class Meta:
        verbose_name = _("message counted")
        indexes = [models.Index(fields=["member", "at"], name="pressure_member")]

    def __str__(self) -> str:
        return f"message of {self.controller} to member {self.member_id}"


class SendingMachine(models.Model):
    """A machine that sends, as the database knows it by the machine's journal. A database that was
    put back has counted less than the journal noted (``engine.machines``)."""

    journal = models.UUIDField(unique=True)
    count = models.BigIntegerField(default=0)
    """Raised with each batch, in the transaction that says what is being sent, and each minute."""
    heard_at = models.DateTimeField(null=True)
    """Null: it was stopped in order, or a person said that it runs no more: nobody waits for it."""
    suspect_at = models.DateTimeField(null=True)
    """What was due before is held, on every machine, until a person has looked."""
    away_at = models.DateTimeField(null=True)
    """It is back since then, and hasn't heard of all the others yet: what was due before waits."""

    class Meta:
        verbose_name = _("machine that sends")

    def __str__(self) -> str:
        return f"machine {self.journal}"


class Suppression(models.Model):
    """An address that must not be written to, as a keyed hash (the members' blind index): it
    outlives the member. It holds against every consent that is older than it."""

    class Cause(models.TextChoices):
        STOP = "stop", _("STOP")
        UNSUBSCRIBED = "unsubscribed", _("unsubscribed")
        BOUNCED = "bounced", _("the address does not exist")
        COMPLAINED = "complained", _("reported as spam")

    association_id = models.BigIntegerField()
    channel = models.CharField(max_length=8, choices=Channel)
    index = models.BinaryField(max_length=16)
    cause = models.CharField(max_length=12, choices=Cause)
    at = models.DateTimeField()
    delivery = models.ForeignKey(Delivery, models.SET_NULL, null=True, related_name="+")
    """What it answered, if known: so the association sees whose messages tire people."""

    class Meta:
        verbose_name = _("suppression")
        constraints = [
            models.UniqueConstraint(
                fields=["association_id", "channel", "index", "cause"], name="suppression_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.channel} {self.cause} {self.at:%Y-%m-%d}"


class Inbound(models.Model):
    """Something that a provider or a mailbox told us, stored before it is read (a month)."""

    gateway = models.ForeignKey(Gateway, models.CASCADE, related_name="inbound")
    received_at = models.DateTimeField()
    body = SealedTextField()
    read_at = models.DateTimeField(null=True)
    again_at = models.DateTimeField(null=True)
    """It names a delivery that isn't known yet: it may have come before its outcome was written."""
    trouble = models.CharField(max_length=200, blank=True)
    """Why it could not be read, if so: shown to the association, never with an address."""

    class Meta:
        verbose_name = _("message received")
        indexes = [models.Index(fields=["read_at", "received_at"], name="inbound_unread")]

    def __str__(self) -> str:
        return f"received {self.received_at:%Y-%m-%d %H:%M}"


class MessageChoice(models.Model):
    """What a member chose: fewer messages than allowed, and which automatic ones."""

    member = models.OneToOneField(Member, models.CASCADE, related_name="message_choice")
    per_week = models.PositiveSmallIntegerField(null=True)
    per_month = models.PositiveSmallIntegerField(null=True)
    automatic = models.JSONField(default=list)
    """Names of ``Campaign.Automatic`` that the member wants."""
    token = models.UUIDField(default=uuid.uuid4, unique=True)
    """Names this row in links that unsubscribe (signed beside it): it is no number of a member."""

    class Meta:
        verbose_name = _("choice of messages")

    def __str__(self) -> str:
        return f"member {self.member_id}"
