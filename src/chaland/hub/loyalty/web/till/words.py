"""The texts that the till page's script shows; ``{name}`` in one stands for a value."""

from django.utils.translation import gettext as _


def texts() -> dict[str, str]:
    """Return the texts in the language of the moment."""
    return _of_the_sale() | _of_private_sales() | _of_rewards_and_returns() | _of_the_device()


def _of_the_sale() -> dict[str, str]:
    return {
        "close": _("Close"),
        "another": _("Someone else"),
        "attach": _("Attach {amount}"),
        "amount_first": _("Type the amount"),
        "attach_arrived": _("Attach {amount} of {time}"),
        "arrived": _("Receipts that have just come from the till"),
        "attached": _("The receipt is attached."),
        "claimed": _("Noted: the points come as soon as the till sends this receipt."),
        "earned_nothing": _("Attached; this purchase earns nothing."),
        "next": _("Next customer"),
        "undo": _("Undo"),
        "undone": _("Undone: nothing is attached."),
        "e_receipt": _("E-receipt"),
        "e_receipt_help": _(
            "The customer scans this to read the receipt. No number or address is needed for it."
        ),
        "code_is": _("Receipt code: {code}"),
        "points": _("{n} points"),
        "points_one": _("{n} point"),
        "stamps": _("{n} stamps"),
        "stamps_one": _("{n} stamp"),
        "balances": _("Balances"),
        "held": _("{amount} reserved"),
        "debt": _("{amount} owed after a return: the next purchase repays it"),
        "lapses": _("{amount} lapse on {day}"),
        "stamps_of": _("{n} of {goal} stamps"),
        "stamps_full": _("The card is full."),
        "stamps_near": _("Only {n} to go"),
        "member_price": _("Member’s advantages"),
        "consents": _("Consents"),
        "consents_help": _("Ask the customer; a change counts from now on."),
        "identify": _("Full number, e-mail or card"),
        "identify_go": _("Check"),
        "identify_title": _("Ask for the full number or the card"),
        "account": _("My account"),
        "account_help": _(
            "The customer scans this: the own account opens on the own phone, without a password."
        ),
        "qr_alt": _("QR code for the customer’s phone"),
        "nobody": _("Nobody is found."),
        "found_one": _("{n} customer found"),
        "found_n": _("{n} customers found"),
        "more": _("There are more: type on."),
        "alike": _("{n} more look the same here: type on, or ask for the number or the card."),
        "ends_in": _("ends in {hint}"),
        "with_typos": _("Search with typing errors"),
        "go_on_typing": _("Type a whole number or three letters of the name."),
        "enrol": _("New member"),
        "enrol_title": _("New member"),
        "enrol_now": _("Enrol"),
        "enrol_anyway": _("It is someone else: enrol"),
        "first_name": _("First name (and surname)"),
        "contact": _("Mobile number or e-mail"),
    }


def _of_private_sales() -> dict[str, str]:
    return {
        "check_in": _("Check in"),
        "join_sale": _("Let in, at members’ prices"),
        "sale_prices": _("Members’ prices"),
        "sale_reference": _("lowest price of the 30 days before: {amount}"),
        "sale_pay": _("To pay with {off}: {amount} instead of {full}"),
        "sale_own": _("Articles with a member price of their own: see the prices below."),
        "sale_take": _("Note {amount}"),
        "sale_from": _("{off} from {amount} of purchase on"),
        "sale_offline": _("Without the network nobody can be checked in to the private sale."),
    }


def _of_rewards_and_returns() -> dict[str, str]:
    return {
        "use": _("Use: {name}"),
        "available": _("Available: {amount}"),
        "costs": _("Costs {amount}"),
        "amount_off": _("Amount off"),
        "reserve": _("Reserve"),
        "cancel": _("Cancel"),
        "reserved_amount": _(
            "{amount} reserved. Take it off at the shop’s own till, then confirm."
        ),
        "reserved_gift": _("Reserved: {name}. Hand it over, then confirm."),
        "done_at_till": _("Done"),
        "redeemed": _("Used: {name}"),
        "redeemed_amount": _("{amount} off"),
        "voucher_is": _("Voucher {code}: it is in the customer’s account, too."),
        "voucher_take": _("Take {name} off at the shop’s own till, then confirm."),
        "valid_until": _("valid until {day}"),
        "return_title": _("Return"),
        "receipt_code": _("Code of the receipt"),
        "show_receipt": _("Show the purchase"),
        "recent": _("Just attached here"),
        "return_amount": _("Amount that comes back"),
        "take_back": _("Take the articles back"),
        "returned": _("{amount} returned."),
        "returned_unattached": _("This receipt was nobody’s: nothing is taken back."),
        "bought_at": _("{shop}, {day}: {amount}"),
        "line": _("Line {n}"),
    }


def _of_the_device() -> dict[str, str]:
    return {
        "menu": _("Menu"),
        "online": _("Online"),
        "offline": _("Offline"),
        "waiting_n": _("{n} waiting"),
        "parked_n": _("{n} to sort out"),
        "waits": _("Receipts that wait"),
        "waits_help": _(
            "They are kept on this device, encrypted, until the hub has them. Refused ones stay "
            "here until you decide."
        ),
        "nothing_waits": _("Nothing waits."),
        "send_now": _("Send now"),
        "try_again": _("Try again"),
        "remove": _("Remove"),
        "remove_sure": _("Remove this receipt? The customer gets nothing for it."),
        "other_shop": _("Made at another shop: it can’t be sent from here."),
        "kept": _("No network: kept on this device, and sent as soon as it is back."),
        "preview": _("Expected; the customer’s own bonuses may add to it."),
        "later": _("Found when the network is back"),
        "offline_name": _(
            "Without a network a name can’t be looked for: type the whole number, the e-mail, or "
            "scan the card."
        ),
        "went_wrong": _("Something went wrong: try again."),
        "no_network": _("No answer: check the network, then try again."),
        "revoked": _("This device is no longer a till. What waits stays here, encrypted."),
        "needs_https": _("The till page needs a secure address (https)."),
        "who_serves": _("Who is serving?"),
        "seller_is": _("Serving: {name}. Change"),
        "pin_wrong": _("This PIN is wrong. Tries left: {n}."),
        "pin_locked": _("Too many wrong PINs: locked until {time}."),
        "pin_offline": _(
            "Without a network only who gave the PIN here today can open the till, with that PIN."
        ),
        "lock": _("Lock, or change seller"),
        "keys": _(
            "Keys: digits are the amount, Enter goes on, arrows choose, Escape begins anew. A "
            "scanner works anywhere."
        ),
        "scan_title": _("Scan"),
        "scan_help": _("Hold the card, the invitation or the receipt’s code before the camera."),
        "no_camera": _("The camera can’t be used: allow it, or type the number."),
    }
