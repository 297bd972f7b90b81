"""The command line: the only place that prints, reads settings from the environment and sets exit codes."""
