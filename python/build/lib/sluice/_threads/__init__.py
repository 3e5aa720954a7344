"""The face of the client for threads."""
