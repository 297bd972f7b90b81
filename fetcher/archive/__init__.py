"""The tree of finished files: where it is, what its files are called, how they get there."""
