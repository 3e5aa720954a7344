# The concurrent sieve of Eratosthenes in netcat and bash: each filter is a shell with its own netcat, and the filters are
# connected by channels of the daemon. There is a filter for each prime up to the square root of 2 000; a number that
# passes all filters is prime.
#
#     make example NAME=sieve-nc
#
# Prints 303 primes, as `sieve` does, each when it comes out of the last filter.

limit=2000

# Each process sends one command, then reads its reply.
connect() { coproc NC { exec nc "${SLUICE%:*}" "${SLUICE#*:}"; } 2>/dev/null; }
say() { echo "$1" >&"${NC[1]}"; }
answer() { read -r word name rest <&"${NC[0]}"; }

# receive CHANNEL: receives into `number`. Returns false when the channel is closed.
receive() {
    say "recv $1"
    answer
    [[ $word == MSG ]] && read -r number <&"${NC[0]}"
}

send() { say "send $1 $2" && answer; }
leave() { say quit && answer && exec {NC[1]}>&- && wait "$NC_PID"; }
finish() { say "close $1" && answer && leave; }

count() {
    connect
    for ((number = 2; number <= limit; number++)); do send "$1" "$number"; done
    finish "$1"
}

# filter PRIME FROM TO
filter() {
    connect
    while receive "$2"; do
        ((number % $1 == 0)) || send "$3" "$number"
    done
    finish "$3"
}

count stage.0 &
connect
stage=0
while receive "stage.$stage"; do
    echo "$number"
    # The first number that comes out of a filter is the next prime.
    ((number * number > limit)) || { filter "$number" "stage.$stage" "stage.$((stage + 1))" & ((++stage)); }
done
leave
wait
