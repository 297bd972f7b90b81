"""Download one claimed video: values in, one event out. Neither ledger nor settings are known here."""
