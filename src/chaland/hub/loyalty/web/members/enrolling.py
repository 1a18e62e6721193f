"""Enrolment at a desk: the same as at the till, warned of doubles before anything is saved."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from chaland.hub.association.access import required_role, staff_required
from chaland.hub.common import clock
from chaland.hub.loyalty.consent import wordings
from chaland.hub.loyalty.members.rules import (
    Found,
    KnownErrorFinal,
    MemberErrorFinal,
    PossibleDuplicatesErrorFinal,
)
from chaland.hub.loyalty.members.services import Enrolment, enrol
from chaland.hub.loyalty.web.members.forms import EnrolForm
from chaland.hub.loyalty.web.members.pages import actor_of, own_shop


@never_cache
@sensitive_post_parameters()
@staff_required
def page(request: HttpRequest) -> HttpResponse:
    """Show the form; enrol, or say what stands against it."""
    shop, role = own_shop(request), required_role(request)
    language = get_language() or "fr"
    form = EnrolForm(
        request.POST or None,
        wordings.current(role.association_id, language),
        (shop.pk, shop.name),
        role.association.name,
        wordings.over_15_text(language),
    )
    found: list[Found] = []
    if form.is_valid():
        try:
            member = enrol(_enrolment(request, form), despite_duplicates="another" in request.POST)
        except PossibleDuplicatesErrorFinal as error:
            found = error.found
        except KnownErrorFinal as error:
            form.add_error(error.field, str(error))
            found = [error.found] if error.found else []
        except MemberErrorFinal as error:
            form.add_error(error.field or None, str(error))
        else:
            messages.success(request, _("Enrolled. Here is the card."))
            return redirect("member", member.pk)
    context = {
        "form": form,
        "found": found,
        "may_be_another": bool(found) and not form.errors,
        "notice": wordings.contact_notice(language),
    }
    status = 422 if form.errors or found else 200
    return render(request, "loyalty/members/enrol.html", context, status=status)


def _enrolment(request: HttpRequest, form: EnrolForm) -> Enrolment:
    role, told = required_role(request), form.cleaned_data
    return Enrolment(
        association_id=role.association_id,
        shop_id=role.shop_id,
        actor=actor_of(request),
        occurred_at=clock.now(),
        place="staff",
        first_name=told["first_name"],
        last_name=told["last_name"],
        phone=told["phone"],
        email=told["email"],
        birth_day=told["birth_day"],
        birth_month=told["birth_month"],
        over_15=told["over_15"],
        language=get_language() or "fr",
        decisions=form.decisions(),
        evidence={"user": role.user_id},
    )
