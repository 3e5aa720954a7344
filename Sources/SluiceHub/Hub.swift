// The hub.
