"""The team: who has which role, invitations, and the page that an invitation opens."""

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.core.mail import EmailMessage
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from chaland.hub.association import selectors, services
from chaland.hub.association.access import director_required, required_role
from chaland.hub.association.models import Invitation, StaffRole, User
from chaland.hub.association.web.forms import InvitationForm, JoinForm
from chaland.hub.association.web.guide import ACCOUNT_BACKEND
from chaland.hub.association.web.steps import render_step

TO_SHOW = "invitations_to_show"
"""Session key of invitations whose links the next page shows, once. Ids, for a stored session must
hold no link that works: the page makes the link that it shows."""


def hand_over(request: HttpRequest, invitation: Invitation, token: str) -> None:
    """Send an invitation by mail, or have the next page show its link."""
    if settings.EMAIL_CONFIGURED and _sent(invitation, _link(request, token)):
        messages.success(request, _("Invitation sent to %s.") % invitation.email)
        return
    request.session[TO_SHOW] = [*request.session.get(TO_SHOW, []), invitation.pk]


def _link(request: HttpRequest, token: str) -> str:
    return request.build_absolute_uri(reverse("association:join", args=[token]))


def _links_to_show(request: HttpRequest) -> list[tuple[str, str]]:
    """Make the links to hand over, with their addressees; asked again, there are none."""
    association, now = required_role(request).association, timezone.now()
    chosen = association.invitations.filter(
        pk__in=request.session.pop(TO_SHOW, []), accepted_at__isnull=True
    )
    return [
        (invitation.email, _link(request, services.renew_invitation(invitation, now)))
        for invitation in chosen
    ]


def _sent(invitation: Invitation, link: str) -> bool:
    """Send the mail; False where the mail server refuses, so that the link is shown instead."""
    text = render_to_string(
        "association/invitation_mail.txt", {"invitation": invitation, "link": link}
    )
    subject = _("Your access to the footfall of %s") % invitation.association.town
    mail = EmailMessage(" ".join(subject.split()), text, to=[invitation.email])
    try:
        return mail.send() == 1
    except OSError:  # smtplib's errors are OSErrors too
        return False


@director_required
def staff(request: HttpRequest) -> HttpResponse:
    """List roles and open invitations, and invite someone."""
    role = required_role(request)
    form = InvitationForm(role.association, request.POST or None)
    if form.is_valid():
        try:
            invitation, token = services.invite(
                role.association,
                form.cleaned_data["email"],
                form.cleaned_data["shop"],
                role.user,
                timezone.now(),
            )
        except services.AlreadyStaffFinal:
            form.add_error("email", _("This person has this role already."))
        else:
            hand_over(request, invitation, token)
            return redirect("association:staff")
    roles = role.association.staff.select_related("user", "shop").order_by("role", "shop__name")
    invitations = role.association.invitations.filter(accepted_at__isnull=True)
    context = {
        "form": form,
        "roles": roles,
        "invitations": invitations.select_related("shop"),
        "links": _links_to_show(request),
        "now": timezone.now(),
        "mail_configured": settings.EMAIL_CONFIGURED,
    }
    return render_step(request, "staff", "staff", context, 422 if form.errors else 200)


@require_POST
@director_required
def renew(request: HttpRequest, invitation_id: int) -> HttpResponse:
    """Make a new link for an open invitation."""
    invitation = _own_invitation(request, invitation_id)
    hand_over(request, invitation, services.renew_invitation(invitation, timezone.now()))
    return redirect("association:staff")


@require_POST
@director_required
def withdraw(request: HttpRequest, invitation_id: int) -> HttpResponse:
    """Withdraw an open invitation: its link stops working."""
    invitation = _own_invitation(request, invitation_id)
    invitation.delete()
    messages.success(request, _("Invitation of %s withdrawn.") % invitation.email)
    return redirect("association:staff")


def _own_invitation(request: HttpRequest, invitation_id: int) -> Invitation:
    association = required_role(request).association
    return get_object_or_404(
        Invitation, pk=invitation_id, association=association, accepted_at__isnull=True
    )


@require_POST
@director_required
def remove(request: HttpRequest, role_id: int) -> HttpResponse:
    """Take someone's role away."""
    association = required_role(request).association
    role = get_object_or_404(StaffRole, pk=role_id, association=association)
    try:
        services.remove_role(role)
    except services.LastDirectorFinal:
        messages.error(request, _("This is the last director: name another one first."))
    else:
        messages.success(request, _("%s no longer has access.") % role.user)
    return redirect("association:staff")


@never_cache
@sensitive_post_parameters("password")
def join(request: HttpRequest, token: str) -> HttpResponse:
    """Open an invitation: make the account, or let in the one that exists."""
    now = timezone.now()
    invitation = selectors.open_invitation(token, now)
    if invitation is None:
        return render(request, "association/invitation_closed.html", status=404)
    if User.objects.filter(email=invitation.email).exists():
        return _join_with_account(request, invitation)
    form = JoinForm(invitation.email, request.POST or None)
    if not form.is_valid():
        context = {"form": form, "invitation": invitation}
        return render(request, "association/join.html", context, status=422 if form.errors else 200)
    try:
        user = services.join_by_invitation(
            invitation,
            form.cleaned_data["name"],
            form.cleaned_data["password"],
            get_language() or "fr",
            now,
        )
    except services.InvitationUsedFinal:
        return _joined_already(request)
    login(request, user, backend=ACCOUNT_BACKEND)
    messages.success(request, _("Welcome! You now have access to the figures."))
    return redirect("/")


def _joined_already(request: HttpRequest) -> HttpResponse:
    messages.info(request, _("Your account exists already: sign in."))
    return redirect("/")  # whoever is not signed in gets to the sign-in page


def _join_with_account(request: HttpRequest, invitation: Invitation) -> HttpResponse:
    user = request.user
    is_theirs = user.is_authenticated and user.email == invitation.email
    if request.method == "POST" and user.is_authenticated and is_theirs:
        try:
            services.accept_invitation(invitation, user, timezone.now())
        except services.InvitationUsedFinal:
            return _joined_already(request)
        messages.success(request, _("Welcome! You now have access to the figures."))
        return redirect("/")
    context = {"invitation": invitation, "is_theirs": is_theirs}
    return render(request, "association/join_with_account.html", context)
