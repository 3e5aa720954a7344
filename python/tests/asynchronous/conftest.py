"""The certificate of the tests."""

from test_security import certificate

__all__ = ["certificate"]
