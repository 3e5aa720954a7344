"""What senders and receivers were told, and whether it can all be true."""

from collections import Counter, defaultdict

#: What a sender is told that proves that nobody received the message.
DEFINITE = {"TIMEOUT", "CANCELLED", "CLOSED", "POISONED", "ERR", "ELSE"}


class Books:
    """The outcomes of sends and receives, by the body of the message: no two have the same."""

    def __init__(self):
        #: The last word of each send: that of its reply; None while there is none, or when the connection was lost first.
        self.sent = {}
        self.leased = set()
        #: How often each message was handed out without a lease.
        self.received = Counter()
        #: How often its acknowledgement was written, and how often that was answered with OK.
        self.acknowledged = Counter()
        self.confirmed = Counter()
        #: What came whole, and was never sent.
        self.phantoms = 0

    def send(self, body, with_lease):
        self.sent.setdefault(body, None)
        if with_lease:
            self.leased.add(body)

    def reply(self, body, word):
        # An attempt that was lost says nothing of those that follow; the last word counts.
        self.sent[body] = word

    def receive(self, body):
        if body in self.sent:
            self.received[body] += 1
        else:
            self.phantoms += 1

    def count(self, word):
        return sum(1 for last in self.sent.values() if last == word)

    def verdict(self):
        """How many outcomes cannot be true, by what is wrong with them; those that are not wrong are left out."""
        wrong = defaultdict(int)
        for body, word in self.sent.items():
            if word == "OK" and body in self.leased and not self.acknowledged[body]:
                wrong["OK without an ACK"] += 1
            if word in DEFINITE and (self.confirmed[body] or self.received[body]):
                wrong[f"{word}, and it was received"] += 1
        wrong["received twice"] = sum(1 for count in self.received.values() if count > 1)
        wrong["acknowledged twice"] = sum(1 for count in self.confirmed.values() if count > 1)
        wrong["never sent"] = self.phantoms
        return {what: count for what, count in wrong.items() if count}
