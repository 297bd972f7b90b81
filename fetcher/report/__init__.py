"""Views of the ledger for people and programs."""
