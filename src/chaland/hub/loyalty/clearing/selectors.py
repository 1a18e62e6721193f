"""What pages and papers read of clearings."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from chaland.hub.association.models import Shop
from chaland.hub.loyalty.clearing import rules, sums
from chaland.hub.loyalty.clearing.bank_files import Payment
from chaland.hub.loyalty.models import Account, Asset, BankDetails, Clearing, Statement


def purses() -> list[Asset]:
    """Return the assets that are cleared: purses that a whole coalition honours."""
    return list(Asset.objects.filter(kind=Asset.Kind.PURSE, shop_id__isnull=True).order_by("pk"))


def clearings(association_id: int) -> list[Clearing]:
    """Return an association's clearings, the newest first."""
    found = Clearing.objects.filter(association_id=association_id).select_related("asset")
    return list(found.order_by("-month", "asset"))


def statements(clearing: Clearing) -> list[Statement]:
    """Return a clearing's statements by shop."""
    return list(clearing.statements.select_related("clearing__asset").order_by("shop_id"))


def statements_of_shop(association_id: int, shop_id: int) -> list[Statement]:
    """Return one shop's statements, the newest first."""
    found = Statement.objects.filter(clearing__association_id=association_id, shop_id=shop_id)
    return list(found.select_related("clearing__asset").order_by("-clearing__month"))


def running(association_id: int) -> dict[int, sums.Part]:
    """Return each shop's part of what isn't closed yet."""
    found: dict[int, sums.Part] = {}
    for asset in purses():
        if asset.association_id == association_id:
            found |= sums.parts(asset, _closed_until(asset), 2**62)
    return found


def open_since(association_id: int) -> date | None:
    """Return the first day that isn't closed yet; None before the first month is."""
    last = Clearing.objects.filter(association_id=association_id).order_by("-month").first()
    return rules.month_after(last.month) if last else None


def _closed_until(asset: Asset) -> int:
    last = asset.clearings.order_by("-month").first()
    return last.last_entry_id if last else 0


def holds(clearing: Clearing) -> bool:
    """Say whether a clearing's statements are those that were sealed."""
    before = clearing.asset.clearings.filter(month__lt=clearing.month).order_by("-month").first()
    told = list(clearing.statements.order_by("shop_id"))
    return digest_of(before, told) == clearing.digest


def digest_of(before: Clearing | None, statements: list[Statement]) -> str:
    """Return what seals a clearing: its statements' figures and the clearing before it."""
    told = [
        {
            "shop": each.shop_id,
            "earned": each.earned_cents,
            "spent": each.spent_cents,
            "reversed": each.reversed_cents,
            "lapsed": each.lapsed_cents,
            "adjusted": each.adjusted_cents,
            "net": each.net_cents,
            "gained": each.gained,
        }
        for each in statements
    ]
    return rules.digest(before.digest if before else "", told)


def bank_of(association_id: int, shop_id: int | None) -> BankDetails | None:
    """Return where a shop (None: the association) is paid."""
    return BankDetails.objects.filter(association_id=association_id, shop_id=shop_id).first()


def masked(iban: str) -> str:
    """Return an IBAN's country and last four signs: enough to recognise it."""
    return f"{iban[:2]}•• •••• {iban[-4:]}"


def to_pay(clearing: Clearing, way: str, words: str) -> tuple[list[Payment], list[Statement]]:
    """Return a clearing's open payments of one way, and the statements whose shop's bank details
    are missing: those are in no file."""
    waiting = [each for each in statements(clearing) if each.way == way and not each.settled_by_id]
    banks = {
        bank.shop_id: bank
        for bank in BankDetails.objects.filter(
            association_id=clearing.association_id, shop_id__isnull=False
        )
    }
    payments = [
        Payment(each, banks[each.shop_id], words) for each in waiting if each.shop_id in banks
    ]
    return payments, [each for each in waiting if each.shop_id not in banks]


@dataclass(frozen=True)
class Gained:
    """Cents that were earned with one and spent with another."""

    name: str
    shop_id: int | None
    cents: int


def gained_of(statement: Statement, names: Mapping[int, str]) -> list[Gained]:
    """Return a statement's shown cells, the largest first; ``names`` are the shops'."""
    accounts = Account.objects.select_related("sponsor").in_bulk(
        [int(pk) for pk in statement.gained]
    )
    found = [
        Gained(_name(accounts[int(pk)], names), accounts[int(pk)].shop_id, cents)
        for pk, cents in statement.gained.items()
    ]
    return sorted(found, key=lambda each: (-each.cents, each.name))


def _name(account: Account, names: Mapping[int, str]) -> str:
    if account.shop_id is not None:
        return names.get(account.shop_id, "–")
    return account.sponsor.name if account.sponsor else "–"


def shop_names(association_id: int) -> dict[int, str]:
    """Return the names of an association's shops by id."""
    return dict(Shop.objects.filter(association=association_id).values_list("pk", "name"))
