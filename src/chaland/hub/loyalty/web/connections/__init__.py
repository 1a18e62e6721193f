"""Where a shop connects: till pages, sellers, keys, tills of other makers, files of receipts."""
