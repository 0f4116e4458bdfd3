"""Asking language models: one port, one ledger, answers that are read by us."""
