// The channel benchmark's workloads in Go: main WORKLOAD COUNT prints "WORKLOAD VALUE UNIT".
// Benchmarks/README.md describes the workloads, which are the same for every contestant.
package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// pingPong returns the time of count transfers between two goroutines over two channels.
func pingPong(count int) time.Duration {
	ping, pong := make(chan int), make(chan int)
	go func() {
		for value := range ping {
			pong <- value + 1
		}
		close(pong)
	}()
	begin := time.Now()
	value := 0
	for i := 0; i < count/2; i++ {
		ping <- value
		value = <-pong
	}
	elapsed := time.Since(begin)
	close(ping)
	expect(value, count/2)
	return elapsed
}

func oneWay(count int) time.Duration {
	channel := make(chan int)
	begin := time.Now()
	go func() {
		for i := 0; i < count; i++ {
			channel <- i
		}
		close(channel)
	}()
	sum := 0
	for value := range channel {
		sum += value
	}
	elapsed := time.Since(begin)
	expect(sum, count*(count-1)/2)
	return elapsed
}

// semaphore hands a permit back and forth. Go's idiom for a semaphore is a channel with a buffer.
func semaphore(count int) time.Duration {
	mine, theirs := make(chan struct{}, 1), make(chan struct{}, 1)
	ended := make(chan struct{})
	go func() {
		for i := 0; i < count/2; i++ {
			<-theirs
			mine <- struct{}{}
		}
		close(ended)
	}()
	begin := time.Now()
	for i := 0; i < count/2; i++ {
		theirs <- struct{}{}
		<-mine
	}
	elapsed := time.Since(begin)
	<-ended
	return elapsed
}

func mutex(count int) time.Duration {
	var lock sync.Mutex
	begin := time.Now()
	for i := 0; i < count; i++ {
		lock.Lock()
		lock.Unlock()
	}
	return time.Since(begin)
}

// barrier lets two goroutines meet, again and again. Go has no barrier: this is the usual one, with a condition.
func barrier(count int) time.Duration {
	var lock sync.Mutex
	changed := sync.NewCond(&lock)
	arrived, round := 0, 0
	meet := func() {
		lock.Lock()
		defer lock.Unlock()
		arrived++
		if arrived == 2 {
			arrived = 0
			round++
			changed.Broadcast()
			return
		}
		for mine := round; mine == round; {
			changed.Wait()
		}
	}
	ended := make(chan struct{})
	begin := time.Now()
	go func() {
		for i := 0; i < count; i++ {
			meet()
		}
		close(ended)
	}()
	for i := 0; i < count; i++ {
		meet()
	}
	<-ended
	return time.Since(begin)
}

// datagram sends a UDP datagram to and fro between two goroutines.
func datagram(count int) time.Duration {
	here, there := listenUDP(), listenUDP()
	defer here.Close()
	defer there.Close()
	go func() {
		buffer := make([]byte, 8)
		for i := 0; i < count/2; i++ {
			size, sender, err := there.ReadFromUDPAddrPort(buffer)
			check(err)
			_, err = there.WriteToUDPAddrPort(buffer[:size], sender)
			check(err)
		}
	}()
	buffer, address := make([]byte, 8), there.LocalAddr().(*net.UDPAddr).AddrPort()
	begin := time.Now()
	for i := 0; i < count/2; i++ {
		_, err := here.WriteToUDPAddrPort(buffer, address)
		check(err)
		_, _, err = here.ReadFromUDPAddrPort(buffer)
		check(err)
	}
	return time.Since(begin)
}

func listenUDP() *net.UDPConn {
	connection, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	check(err)
	return connection
}

func subprocess(count int) time.Duration {
	begin := time.Now()
	for i := 0; i < count; i++ {
		check(exec.Command("/bin/true").Run())
	}
	return time.Since(begin)
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

// sendRoundRobin sends count values on the channels in turn.
func sendRoundRobin(channels []chan int, count int) {
	for i := 0; i < count; i++ {
		channels[i%len(channels)] <- i
	}
}

func selectOf2(count int) time.Duration {
	channels := makeChannels(2)
	a, b := channels[0], channels[1]
	begin := time.Now()
	go sendRoundRobin(channels, count)
	sum := 0
	for i := 0; i < count; i++ {
		select {
		case value := <-a:
			sum += value
		case value := <-b:
			sum += value
		}
	}
	elapsed := time.Since(begin)
	expect(sum, count*(count-1)/2)
	return elapsed
}

func selectOf8(count int) time.Duration {
	channels := makeChannels(8)
	a, b, c, d := channels[0], channels[1], channels[2], channels[3]
	e, f, g, h := channels[4], channels[5], channels[6], channels[7]
	begin := time.Now()
	go sendRoundRobin(channels, count)
	sum := 0
	for i := 0; i < count; i++ {
		select {
		case value := <-a:
			sum += value
		case value := <-b:
			sum += value
		case value := <-c:
			sum += value
		case value := <-d:
			sum += value
		case value := <-e:
			sum += value
		case value := <-f:
			sum += value
		case value := <-g:
			sum += value
		case value := <-h:
			sum += value
		}
	}
	elapsed := time.Since(begin)
	expect(sum, count*(count-1)/2)
	return elapsed
}

func spawnJoin(count int) time.Duration {
	var group sync.WaitGroup
	begin := time.Now()
	for i := 0; i < count; i++ {
		group.Add(1)
		go group.Done()
		group.Wait()
	}
	return time.Since(begin)
}

func spawnBatch(count int) time.Duration {
	const batch = 1000
	var group sync.WaitGroup
	begin := time.Now()
	for i := 0; i < count/batch; i++ {
		group.Add(batch)
		for j := 0; j < batch; j++ {
			go group.Done()
		}
		group.Wait()
	}
	return time.Since(begin)
}

// park starts count goroutines that receive from channel, and returns when each has run up to its receive.
func park(count int, channel chan int, running *sync.WaitGroup) {
	var started atomic.Int64
	running.Add(count)
	for i := 0; i < count; i++ {
		go func() {
			started.Add(1)
			<-channel
			running.Done()
		}()
	}
	for int(started.Load()) < count {
		runtime.Gosched()
	}
}

func spawnPark(count int) (elapsed time.Duration) {
	const batch = 10_000
	for i := 0; i < count/batch; i++ {
		channel := make(chan int)
		var running sync.WaitGroup
		begin := time.Now()
		park(batch, channel, &running)
		elapsed += time.Since(begin)
		close(channel)
		running.Wait()
	}
	return elapsed
}

// parkedBytes returns the growth of the resident memory while count goroutines are parked.
func parkedBytes(count int) int {
	channel := make(chan int)
	var running sync.WaitGroup
	runtime.GC()
	before := residentBytes()
	park(count, channel, &running)
	after := residentBytes()
	close(channel)
	running.Wait()
	return after - before
}

func sieve(count int) (prime int, elapsed time.Duration) {
	begin := time.Now()
	source := make(chan int)
	go func(out chan<- int) {
		for number := 2; ; number++ {
			out <- number
		}
	}(source)
	for i := 0; i < count; i++ {
		prime = <-source
		filtered := make(chan int)
		go func(prime int, in <-chan int, out chan<- int) {
			for {
				if number := <-in; number%prime != 0 {
					out <- number
				}
			}
		}(prime, source, filtered)
		source = filtered
	}
	return prime, time.Since(begin)
}

func makeChannels(count int) []chan int {
	channels := make([]chan int, count)
	for i := range channels {
		channels[i] = make(chan int)
	}
	return channels
}

func residentBytes() int {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		panic(err)
	}
	var total, resident int
	if _, err := fmt.Sscan(string(text), &total, &resident); err != nil {
		panic(err)
	}
	return resident * os.Getpagesize()
}

func expect(got, wanted int) {
	if got != wanted {
		fmt.Fprintf(os.Stderr, "wrong result: expected %d, but got %d\n", wanted, got)
		os.Exit(1)
	}
}

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: go-benchmark WORKLOAD COUNT")
		os.Exit(64)
	}
	name := os.Args[1]
	count, err := strconv.Atoi(os.Args[2])
	if err != nil {
		fmt.Fprintln(os.Stderr, "COUNT must be a number")
		os.Exit(64)
	}
	timed := map[string]func(int) time.Duration{
		"ping-pong": pingPong, "one-way": oneWay, "select-2": selectOf2, "select-8": selectOf8,
		"semaphore": semaphore, "mutex": mutex, "barrier": barrier,
		"spawn-join": spawnJoin, "spawn-batch": spawnBatch, "spawn-park": spawnPark,
		"datagram": datagram, "subprocess": subprocess,
	}
	switch {
	case timed[name] != nil:
		timed[name](count / 10)
		fmt.Printf("%s %.1f ns\n", name, float64(timed[name](count).Nanoseconds())/float64(count))
	case name == "parked":
		fmt.Printf("%s %.0f B\n", name, float64(parkedBytes(count))/float64(count))
	case name == "sieve":
		prime, elapsed := sieve(count)
		fmt.Printf("%s %.3f s\nlast-prime %d value\n", name, elapsed.Seconds(), prime)
	default:
		fmt.Printf("%s - unsupported\n", name)
	}
}
