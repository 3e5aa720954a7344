"""Selects."""

from __future__ import annotations

from ..results import Failed
from ..stage import LOST, Stage, case


@case("select-recv", "A select tells which arm has received", "select")
def select_recv(stage: Stage) -> None:
    stage.connect()
    operation, request = stage.ask("select recv urgent | recv jobs", "SELECT")
    names = [(arm.word, arm.channel) for arm in request.request.arms]
    if names != [("recv", "urgent"), ("recv", "jobs")]:
        raise Failed(f"the arms are not in the order of the instruction: {request.request}")
    request.reply("MSG jobs {N} arm=1", b"sweep\n")
    stage.expect(operation, "arm 1 message sweep%0A")


@case("select-send", "A select sends messages of any bytes, in the order of its arms", "select")
def select_send(stage: Stage) -> None:
    stage.connect()
    operation, request = stage.ask("select send a one%7Ctwo | recv b | send c x%20%7C%20recv%20y%0A", "SELECT")
    bodies = [arm.body for arm in request.request.arms]
    if bodies != [b"one|two", b"", b"x | recv y\n"]:
        raise Failed(f"the messages of the arms are {bodies}")
    request.reply("OK arm=2")
    stage.expect(operation, "arm 2 ok")


@case("select-else", "A select takes its else", "select")
def select_else(stage: Stage) -> None:
    stage.connect()
    operation, request = stage.ask("select recv urgent | else", "SELECT")
    if request.request.arms[-1].word != "else":
        raise Failed(f"the last arm is not else: {request.request}")
    request.reply("ELSE arm=1")
    stage.expect(operation, "else")


@case("select-timeout", "A select may time out", "select")
def select_timeout(stage: Stage) -> None:
    stage.connect()
    operation, request = stage.ask("select timeout=1s recv urgent | recv jobs", "SELECT")
    request.reply("TIMEOUT")
    stage.expect(operation, "timeout")


@case("select-closed", "The channel of an arm may have ended", "select")
def select_closed(stage: Stage) -> None:
    stage.connect()
    operation, request = stage.ask("select recv urgent | recv jobs", "SELECT")
    request.reply("CLOSED jobs arm=1 its last sender has gone")
    stage.expect(operation, "arm 1 closed", "closed")


@case("select-poisoned", "The channel of an arm may be poisoned", "select")
def select_poisoned(stage: Stage) -> None:
    stage.connect()
    operation, request = stage.ask("select send urgent x | recv jobs", "SELECT")
    request.reply("POISONED urgent arm=0 the disk is full")
    stage.expect(operation, "arm 0 poisoned", "poisoned")


@case("select-lost", "A select with a send whose connection is lost is in doubt, and is not repeated", "select")
def select_lost(stage: Stage) -> None:
    stage.connect()
    operation, request = stage.ask("select send a x | recv b", "SELECT")
    request.connection.close()
    again = stage.outcome_or_request(operation, "SELECT", "")
    if again is not None:
        raise Failed("the client has repeated a select that may have sent its message")
    stage.expect(operation, "doubt", "broken")


@case("select-recv-lost", "A select that only receives may go on over the next connection", "select")
def select_recv_lost(stage: Stage) -> None:
    stage.connect()
    operation, request = stage.ask("select recv a | recv b", "SELECT")
    request.connection.close()
    again = stage.outcome_or_request(operation, "SELECT", "")
    if again is None:
        stage.expect(operation, *LOST)
        return
    again.reply("MSG b {N} arm=1", b"x")
    stage.expect(operation, "arm 1 message x")
