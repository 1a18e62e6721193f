"""Pages: till, members, programmes, receipts, clearing, figures, and the member's own account."""
