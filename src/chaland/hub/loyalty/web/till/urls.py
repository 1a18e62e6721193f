"""Addresses of the till page: its shell, and what it posts to."""

from django.urls import URLPattern, path

from chaland.hub.loyalty.web.till import customers, device, private_sales, purchases, rewards, shell

app_name = "till"
urlpatterns: list[URLPattern] = [
    path("", shell.page, name="page"),
    path("sw.js", shell.worker, name="worker"),
    path("manifest.webmanifest", shell.manifest, name="manifest"),
    path("pair", device.pair, name="pair"),
    path("state", device.state, name="state"),
    path("seller", device.seller, name="seller"),
    path("leave", device.leave, name="leave"),
    path("find", customers.find, name="find"),
    path("member", customers.member, name="member"),
    path("identify", customers.identify, name="identify"),
    path("enrol", customers.enrol, name="enrol"),
    path("enrol/check", customers.check, name="check"),
    path("consent", customers.change_consent, name="consent"),
    path("account", customers.account, name="account"),
    path("receipts", purchases.receipts, name="receipts"),
    path("attach", purchases.attach, name="attach"),
    path("undo", purchases.undo, name="undo"),
    path("e-receipt", purchases.e_receipt, name="e-receipt"),
    path("return/find", purchases.find_return, name="find-return"),
    path("return", purchases.take_return, name="return"),
    path("reserve", rewards.reserve, name="reserve"),
    path("confirm", rewards.confirm, name="confirm"),
    path("cancel", rewards.cancel, name="cancel"),
    path("sale/arrive", private_sales.arrive, name="sale-arrive"),
    path("sale/scan", private_sales.scan, name="sale-scan"),
    path("voucher", rewards.use_voucher, name="voucher"),
]
