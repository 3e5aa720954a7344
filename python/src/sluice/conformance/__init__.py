"""Checks whether a server or a client of any language follows the line protocol of Sluice.

    python -m sluice.conformance server 127.0.0.1:7333
    python -m sluice.conformance client 'my-adapter --verbose'

docs/writing-a-client.md explains both.
"""
