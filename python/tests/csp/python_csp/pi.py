"""Pi by quadrature: the processes of python-csp's test/winder_bug/pi_python_python-csp_multiple_separate.py."""

from sluice.csp.python_csp import *


@process
def calculator(channel, id, slice_size, delta):
    total = 0.0
    for i in range(1 + id * slice_size, (id + 1) * slice_size + 1):
        x = (i - 0.5) * delta
        total += 1.0 / (1.0 + x * x)
    channel.write(total)


@process
def accumulator(channels, delta):
    print(f"pi = {4.0 * sum(channel.read() for channel in channels) * delta:.6f}")


def execute(count):
    n = 6400
    channels = [Channel() for _ in range(count)]
    processes = [calculator(channel, i, n // count, 1.0 / n) for i, channel in enumerate(channels)]
    Par(*processes, accumulator(channels, 1.0 / n)).start()


if __name__ == "__main__":
    for count in (1, 2, 8, 32):
        execute(count)
