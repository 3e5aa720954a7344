"""Channels between processes: the client of Sluice."""
