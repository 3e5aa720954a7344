"""Ranks as in mpi4py: each is a process with a connection, and every pair of ranks has a channel in each direction.

make example NAME=ranks-mpi

The body of `main` is a program for mpi4py, except for its first line, which makes `comm`.
"""

import json
from multiprocessing import get_context

import sluice


class Communicator:
    """Stands for mpi4py's `MPI.COMM_WORLD`. Has its lower-case methods, which take any object (here: any JSON)."""

    def __init__(self, rank, size):
        self.rank, self.size = rank, size
        self.hub = sluice.connect(label=f"rank-{rank}")

    def send(self, obj, dest):
        self.hub.channel(f"ranks/{self.rank}-{dest}", codec=json).send(obj)

    def recv(self, source):
        return self.hub.channel(f"ranks/{source}-{self.rank}", codec=json).recv()

    def scatter(self, objs, root=0):
        if self.rank != root:
            return self.recv(root)
        for other in self.others(root):
            self.send(objs[other], other)
        return objs[root]

    def bcast(self, obj, root=0):
        return self.scatter([obj] * self.size, root)

    def gather(self, obj, root=0):
        if self.rank != root:
            return self.send(obj, root)
        return [obj if other == root else self.recv(other) for other in range(self.size)]

    def reduce(self, obj, root=0):
        objs = self.gather(obj, root)
        return objs and sum(objs)

    def allreduce(self, obj):
        return self.bcast(self.reduce(obj))

    def barrier(self):
        self.hub.barrier("ranks/barrier", parties=self.size)

    def others(self, root):
        return [rank for rank in range(self.size) if rank != root]


def main(rank, size):
    comm = Communicator(rank, size)

    parts = [[1, 2], [3], [4, 5, 6], []] if comm.rank == 0 else None
    factor = comm.bcast(10 if comm.rank == 0 else None)
    part = comm.scatter(parts)
    products = [factor * number for number in part]
    every = comm.gather(products)
    total = comm.reduce(sum(products))
    share = sum(products) / comm.allreduce(sum(products))
    comm.barrier()
    shares = comm.gather(round(share, 2))

    if comm.rank == 0:
        print("gathered:", every)
        print("reduced:", total)
        print("shares:", shares)
    comm.hub.close()


if __name__ == "__main__":
    ranks = [get_context("fork").Process(target=main, args=(rank, 4)) for rank in range(4)]
    for process in ranks:
        process.start()
    for process in ranks:
        process.join()
