"""The ledger: what was asked, what is known, what is done. SQL lives here and nowhere else."""
