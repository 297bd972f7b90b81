"""A stand-in for Polyv's API and its CDN on loopback, for ``fetcher demo`` and the tests."""
