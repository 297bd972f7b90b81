"""HTTP to disk: one link, one part, every byte counted and summed on its way."""
