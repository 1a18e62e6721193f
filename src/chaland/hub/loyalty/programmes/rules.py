"""How receipts earn: pure functions in whole numbers, the same in the browser.

``assets/src/loyalty/rules.js`` is this file's mirror; ``tests/golden/rules`` holds cases that both
must answer alike.
"""
