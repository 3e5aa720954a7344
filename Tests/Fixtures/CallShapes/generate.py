#!/usr/bin/env python3
"""Generates call shapes: chains of helpers, up to four deep, that send, receive, select, lease, iterate and join.

Each level is a function, a closure, or a method of a struct, a class, an actor or an extension, and may be generic.
Every level does operations before and after it calls the next one. What a shape returns depends on each number that it
receives and on their order. The expected result is computed here.
"""

import argparse
import random
from dataclasses import dataclass, field
from pathlib import Path

TYPES = ["Int", "String", "Wide", "Boxed", "Variant", "Int?"]
KINDS = ["function", "closure", "struct", "class", "actor", "extension"]
DEPTH = 4


@dataclass
class Shape:
    """One shape while it is generated: what it has sent and not received, and what it should return."""

    name: str
    element: str
    sender: str
    pick: random.Random
    pending: list = field(default_factory=list)
    sent: int = 0
    leased: int = 0
    result: int = 0
    declarations: list = field(default_factory=list)

    def fold(self, number):
        self.result = (self.result * 31 + number) % 1_000_003

    def operation(self, element):
        """Returns the lines of one operation, in code where the message type is called `element`."""
        if self.pending and self.pick.random() < 0.5:
            self.fold(self.pending.pop(0))
            return self.receive()
        kind = self.pick.random()
        if kind < 0.2:
            self.leased += 1
            self.fold(self.leased)
            return self.lease()
        if kind < 0.3:
            self.fold(7)
            return ["sum = fold(sum, try await link.reactor.spawn { 7 }.value)"]
        self.sent += 1
        self.pending.append(self.sent)
        return self.send(f"{element}({self.sent})")

    def send(self, message):
        link = f"link.{self.sender}"
        return self.pick.choice(
            [
                [f"try await {link}.send({message})"],
                [f"try await {link}.send({message}, timeout: .seconds(60))"],
                [f"if try !{link}.trySend({message}) {{ try await {link}.send({message}) }}"],
                [
                    "try await select {",
                    f"    {link}.sending({message}) {{}}",
                    "    link.silent.receiving { _ in throw CancellationError() }",
                    "}",
                ],
            ]
        )

    def receive(self):
        return self.pick.choice(
            [
                ["sum = fold(sum, try await link.back.receive())"],
                ["sum = fold(sum, try await link.back.receive(timeout: .seconds(60)))"],
                ["for try await message in link.back {", "    sum = fold(sum, message)", "    break", "}"],
                [
                    "do {",
                    "    sum = fold(sum, try await link.back.receive())",
                    "} catch {",
                    "    sum = -1",
                    "}",
                ],
                [
                    "sum = fold(sum, try await select {",
                    "    link.silent.receiving { $0 }",
                    "    link.back.receiving { $0 }",
                    "    after(.seconds(60)) { nil }",
                    "})",
                ],
            ]
        )

    def lease(self):
        return self.pick.choice(
            [
                [
                    "if let message = try await link.leases.receive(lease: .seconds(60)) {",
                    "    sum = fold(sum, text: message.bytes)",
                    "    try message.acknowledge()",
                    "}",
                ],
                [
                    "do {",
                    "    let message = try await link.leases.receive(lease: .seconds(60), timeout: .seconds(60))",
                    "    sum = fold(sum, text: message?.bytes)",
                    "    try message?.acknowledge()",
                    "} catch {",
                    "    sum = -3",
                    "}",
                ],
                ["sum = fold(sum, text: try await link.leases.receive())"],
            ]
        )

    def operations(self, element, most):
        return [line for _ in range(self.pick.randint(0, most)) for line in self.operation(element)]

    def level(self, number, depth, is_caller_generic):
        """Generates the helper at a level, and returns the lines before a call of it, and the call.

        Below a generic helper all are generic; a closure uses its caller's parameter.
        """
        name = f"{self.name}L{number}"
        kind = self.pick.choice(KINDS)
        is_generic = is_caller_generic or (kind != "closure" and self.pick.random() < 0.3)
        element = "E" if is_generic else self.element
        body = ["var sum = sum", *self.operations(element, 3)]
        if number < depth:
            before, call = self.level(number + 1, depth, is_generic)
            body += before + self.called(call)
        body += self.operations(element, 2) if number < depth else self.operation(element)
        body += ["return sum"]
        return self.declare(kind, name, element, is_generic, body)

    def called(self, call):
        return self.pick.choice(
            [
                [f"sum = try await {call}"],
                [f"sum = try await {call}"],
                ["do {", f"    sum = try await {call}", "} catch {", "    sum = -4", "    throw error", "}"],
                [f"sum = (try? await {call}) ?? -5"],
            ]
        )

    def declare(self, kind, name, element, is_generic, body):
        generic = "<E: Payload>" if is_generic else ""
        inner = ["    " + line for line in body]
        if kind == "closure":
            opening = f"let {name}: @Sendable (Link<{element}>, Int) async throws -> Int = {{ link, sum in"
            return [opening, *inner, "}"], f"{name}(link, sum)"
        if kind == "extension":
            where = "" if is_generic else f" where Element == {element}"
            alias = ["        typealias E = Element"] if is_generic else []
            self.declarations += [
                f"extension Link{where} {{",
                f"    func {name}(_ sum: Int) async throws -> Int {{",
                *alias,
                "        let link = self",
                *["    " + line for line in inner],
                "    }",
                "}",
            ]
            return [], f"link.{name}(sum)"
        if kind == "function":
            head = f"func {name}{generic}(_ link: Link<{element}>, _ sum: Int) async throws -> Int {{"
            self.declarations += [head, *inner, "}"]
            return [], f"{name}(link, sum)"
        head = (
            f"{'final class' if kind == 'class' else kind} {name}{generic}{': Sendable' if kind == 'class' else ''} {{"
        )
        self.declarations += [
            head,
            f"    let link: Link<{element}>",
            f"    init(_ link: Link<{element}>) {{ self.link = link }}",
            "    func go(_ sum: Int) async throws -> Int {",
            *["    " + line for line in inner],
            "    }",
            "}",
        ]
        return [], f"{name}(link).go(sum)"


def generated(number, seed):
    pick = random.Random(f"{seed} {number}")
    shape = Shape(f"S{number}", pick.choice(TYPES), pick.choice(["out", "outEnd"]), pick)
    is_buffered = pick.random() < 0.5
    before, call = shape.level(1, pick.randint(1, DEPTH), False)
    lines = [
        *shape.declarations,
        "",
        f'let check{number} = Check(name: "{shape.name}", expected: {shape.result}) {{',
        f"    try run({shape.element}.self, buffered: {'true' if is_buffered else 'false'}) {{ link, sum in",
        *["        " + line for line in before],
        f"        return try await {call}",
        "    }",
        "}",
    ]
    return "\n".join(["import SluiceHub", "import SluiceRuntime", "", *lines, ""])


# The first program that crashed the compiler.
FIRST = """import SluiceRuntime

func greet(_ channel: Channel<Int>) async throws { try await channel.send(1) }

func both(_ channel: Channel<Int>) async throws {
    try await greet(channel)
    try await channel.send(2)
}

let check0 = Check(name: "greet and both", expected: 12) {
    try Reactor().run {
        let channel = Channel<Int>(.unbounded)
        try await both(channel)
        return try await (channel.receive() ?? 0) * 10 + (channel.receive() ?? 0)
    }
}
"""

MAIN = """let checks = [{checks}] + stageChecks + [scopes()]
var failures = 0
for check in checks {{
    let result = Result {{ try check.run() }}
    if case .success(check.expected) = result {{ continue }}
    failures += 1
    print("\\(check.name): expected \\(check.expected), got \\(result)")
}}
guard failures == 0 else {{ fatalError("\\(failures) call shapes are wrong") }}
print("\\(checks.count) call shapes returned what they should")
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("directory", type=Path, help="the target's sources")
    parser.add_argument("--shapes", type=int, default=80, help="how many (default 80)")
    parser.add_argument("--seed", type=int, default=1, help="which ones (default 1)")
    arguments = parser.parse_args()
    arguments.directory.mkdir(parents=True, exist_ok=True)
    (arguments.directory / "Shape0.swift").write_text(FIRST)
    for number in range(1, arguments.shapes + 1):
        (arguments.directory / f"Shape{number}.swift").write_text(generated(number, arguments.seed))
    checks = ", ".join(f"check{number}" for number in range(arguments.shapes + 1))
    (arguments.directory / "main.swift").write_text(MAIN.format(checks=checks))


main()
