# A calculator service: callers send expressions, and workers answer them with bc. The first worker dies before it has
# answered; the next one gets its expression, and the caller does not notice. A call that is repeated with its id gets the
# same answer, and nothing is computed again.
#
#     make example NAME=calculator-shell
#
# calculator-remote and calculator-python do the same in Swift and Python.

export SLUICE_ADDRESS=$SLUICE
PATH=$(dirname "$0")/../../../.build/release:$PATH
call() { echo "$1 = $(sluice call --id "${1//[^0-9]/-}" calculator "$1")"; }

# The command of this worker kills its parent: the worker.
sluice recv calculator --exec 'kill -KILL $PPID' --answer 2>/dev/null &
until sluice waiters calculator | grep -q recv; do sleep 0.01; done
call '6 * 7' &
caller=$!
wait %1 2>/dev/null
echo "a worker dies before it answers"
sluice recv calculator --exec 'bc' --answer &
worker=$!
wait "$caller"
call '2 ^ 10'
call '100 / 7'
# Nobody is there to compute this again.
kill "$worker"
wait
call '6 * 7'
