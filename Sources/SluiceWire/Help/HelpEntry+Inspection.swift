/// The verbs that report on the state of the server.
extension HelpEntry {
    static let info = HelpEntry(
        "report on the server",
        usage: "INFO [format=text|json]",
        details: """
            Answers DATA with a report on the server as a whole.

            format=text  for people (default)
            format=json  for programs
            """)

    static let channels = HelpEntry(
        "list channels",
        usage: "CHANNELS [format=text|json] [after=KEY] [limit=N] [prefix]",
        details: """
            Answers DATA with a row for each channel, or for each channel whose name begins
            with the prefix.

            format=text  for people (default)
            format=json  for programs
            after=KEY    the page after the one whose reply has more=KEY
            limit=N      at most N rows on the page
            """)

    static let waiters = HelpEntry(
        "list waiting operations",
        usage: "WAITERS [format=text|json] [after=KEY] [limit=N] [channel]",
        details: """
            Answers DATA with a row for each waiting operation: its client, what it waits
            for and for how long. With a name, only those on that channel or barrier.

            format=text  for people (default)
            format=json  for programs
            after=KEY    the page after the one whose reply has more=KEY
            limit=N      at most N rows on the page
            """)

    static let clients = HelpEntry(
        "list connections",
        usage: "CLIENTS [format=text|json] [after=KEY] [limit=N]",
        details: """
            Answers DATA with a row for each connection. NAME sets its label.

            format=text  for people (default)
            format=json  for programs
            after=KEY    the page after the one whose reply has more=KEY
            limit=N      at most N rows on the page
            """)

    static let stuck = HelpEntry(
        "find cycles of waiting",
        usage: "STUCK [format=text|json] [after=KEY] [limit=N]",
        details: """
            Answers DATA with the cycles of clients that wait for each other: deadlocks that
            the ends declared by JOIN prove, and cycles that are only possible deadlocks.

            format=text  for people (default)
            format=json  for programs
            after=KEY    the page after the one whose reply has more=KEY
            limit=N      at most N rows on the page
            """)

    static let trace = HelpEntry(
        "show every handoff",
        usage: "TRACE [format=text|json] [prefix]",
        details: """
            Needs a tag. Answers DATA with that tag for each handoff as it happens, until
            CANCEL. With a prefix, only on channels whose names begin with it.

            format=text  for people (default)
            format=json  for programs
            """)
}
