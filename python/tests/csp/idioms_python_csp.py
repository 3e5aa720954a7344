"""What the table of python-csp in docs/idioms.md shows."""

from sluice.csp.python_csp import *
from sluice.csp.python_csp.builtins import Delta2, Mux2
from sluice.csp.python_csp.guards import Timer


@process
def add(a, b):
    results.append(a + b)


@process
def multiply(a, b):
    results.append(a * b)


@process
def foreman():
    jobs.write("sweep the yard")


@process
def worker():
    print("received:", jobs.read())


@process
def choose(pick):
    print("chosen:", pick())


@forever
def letters(cout, letter):
    while True:
        cout.write(letter)
        yield


@process
def reader(chart, log):
    print([chart.read() + log.read() for _ in range(4)])
    for channel in (chart, log, feed, web, mail):
        channel.poison()


results = []
jobs = Channel()
urgent = Channel()
Par(add(3, 4), multiply(3, 4)).start()
add(3, 4) // (multiply(3, 4),)
print(sorted(results))
Par(foreman(), worker()).start()
Par(foreman(), choose(lambda: Alt(urgent, jobs).select())).start()
Par(foreman(), choose(lambda: urgent | jobs)).start()
print(Alt(urgent, jobs, Skip()).pri_select())
timer = Timer()
timer.set_alarm(0.02)
print(Alt(jobs, timer).select())

web, mail, feed, chart, log = [Channel() for _ in range(5)]
orders = feed
Par(
    letters(web, "w"), letters(mail, "m"), Mux2(web, mail, orders), Delta2(feed, chart, log), reader(chart, log)
).start()
jobs.poison()
try:
    jobs.read()
except ChannelPoison:
    print("poisoned")
