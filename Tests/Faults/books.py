"""Records what senders and receivers were told, and checks whether all of it can be true."""

from collections import Counter, defaultdict

#: Replies to a send that prove that no receiver took the message.
DEFINITE = {"TIMEOUT", "CANCELLED", "CLOSED", "POISONED", "ERR", "ELSE"}


class Books:
    """The outcomes of sends and receives, by the body of the message, which is unique."""

    def __init__(self):
        #: The first word of the reply to each send; None if there is none, or the connection was lost before.
        self.sent = {}
        self.leased = set()
        #: How often each message was received without a lease.
        self.received = Counter()
        #: How often each message was acknowledged, and how often that was answered with OK.
        self.acknowledged = Counter()
        self.confirmed = Counter()
        #: The number of received messages that were never sent.
        self.phantoms = 0

    def send(self, body, with_lease):
        self.sent.setdefault(body, None)
        if with_lease:
            self.leased.add(body)

    def reply(self, body, word):
        # A send may be repeated: the reply to the last attempt counts.
        self.sent[body] = word

    def receive(self, body):
        if body in self.sent:
            self.received[body] += 1
        else:
            self.phantoms += 1

    def count(self, word):
        return sum(1 for last in self.sent.values() if last == word)

    def verdict(self):
        """Returns the number of outcomes that cannot be true, by the kind of contradiction."""
        wrong = defaultdict(int)
        for body, word in self.sent.items():
            if word == "OK" and body in self.leased and not self.acknowledged[body]:
                wrong["OK without an ACK"] += 1
            if word in DEFINITE and (self.confirmed[body] or self.received[body]):
                wrong[f"{word}, but received"] += 1
        wrong["received twice"] = sum(1 for count in self.received.values() if count > 1)
        wrong["acknowledged twice"] = sum(1 for count in self.confirmed.values() if count > 1)
        wrong["never sent"] = self.phantoms
        return {what: count for what, count in wrong.items() if count}
