"""How fast `fetcher sync` is, measured beside programs that people know; see docs/benchmarks.md."""
