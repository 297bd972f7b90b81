"""One pass: recover, poll, claim, download, record, report. The only place where ledger and workers meet."""
