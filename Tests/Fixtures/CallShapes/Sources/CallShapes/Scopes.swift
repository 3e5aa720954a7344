import SluiceRuntime

/// Counts the places, in code that may be cancelled by itself, that run on the reactor after a wait. In a release build,
/// code behind a wait has run on a thread of Swift's pool.
func scopes() -> Check {
    Check(name: "code in scopes", expected: 6) {
        let reactor = try Reactor()
        return try reactor.run {
            // Whatever the code behind the waits does, no deadlock is reported.
            reactor.hold()
            var places = 0
            try await withNursery { nursery in
                try await nursery.spawn { await Task.yield() }.join()
                if reactor.isCurrent { places += 1 }
                let child = nursery.spawn {
                    try await sleep(for: .milliseconds(1))
                    return reactor.isCurrent
                }
                if try await child.join() { places += 1 }
            }
            if reactor.isCurrent { places += 1 }
            try await withTimeout(.seconds(60)) {
                try await sleep(for: .milliseconds(1))
                if reactor.isCurrent { places += 1 }
                try await withTimeout(.seconds(30)) {
                    await Task.yield()
                    if reactor.isCurrent { places += 1 }
                }
            }
            if try await parallelMap(1...9, { number in number }).count == 9, reactor.isCurrent { places += 1 }
            return places
        }
    }
}
