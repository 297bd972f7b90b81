"""Bulk archival of a Polyv video library: task ids in, verified source files out."""
