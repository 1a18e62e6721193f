"""The ledger: the only place where points, stamps and cents move."""
