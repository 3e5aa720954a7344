/// The verbs that look inside the server.
extension HelpEntry {
    static let info = HelpEntry(
        "tell of the server",
        usage: "INFO [format=text|json]",
        details: """
            Answers DATA and a report on the server as a whole.

            format=text  for people; so if left out
            format=json  for programs
            """)

    static let channels = HelpEntry(
        "list the channels",
        usage: "CHANNELS [format=text|json] [prefix]",
        details: """
            Answers DATA and a report on each channel, or on those whose names begin with
            the prefix.

            format=text  for people; so if left out
            format=json  for programs
            """)

    static let waiters = HelpEntry(
        "tell who waits on what",
        usage: "WAITERS [format=text|json] [channel]",
        details: """
            Answers DATA and who waits on what, since when; or only on that channel or
            barrier.

            format=text  for people; so if left out
            format=json  for programs
            """)

    static let clients = HelpEntry(
        "list the connections",
        usage: "CLIENTS [format=text|json]",
        details: """
            Answers DATA and a report on each connection, with its label (NAME).

            format=text  for people; so if left out
            format=json  for programs
            """)

    static let stuck = HelpEntry(
        "find cycles of waiting",
        usage: "STUCK [format=text|json]",
        details: """
            Answers DATA and the cycles of waiting: those that the ends declared by JOIN
            prove, and those that are only possible.

            format=text  for people; so if left out
            format=json  for programs
            """)

    static let trace = HelpEntry(
        "tell every handoff",
        usage: "TRACE [format=text|json] [prefix]",
        details: """
            Tagged only: answers DATA after DATA with the same tag, one for each handoff as
            it happens, until CANCEL. Of channels whose names begin with the prefix, or all.

            format=text  for people; so if left out
            format=json  for programs
            """)
}
