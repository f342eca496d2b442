// Gets snapshots by the official Go client, so many at once, and prints what one took as JSON.
//
//	calls URL CONCURRENCY COUNT INSTANCE SNAPSHOT...
//
// It does what `hammer()` in _meter.py does: a tenth before it measures, and user plus system time.
package main

import (
	"fmt"
	"log"
	"os"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/civo/civogo"
)

func main() {
	url, instance, ids := os.Args[1], os.Args[4], os.Args[5:]
	concurrency, count := number(os.Args[2]), number(os.Args[3])
	// A client each: it writes into itself in each call, without a lock.
	clients := make([]*civogo.Client, concurrency)
	for i := range clients {
		client, err := civogo.NewClientWithURL("benchmark-token", url, "LON1")
		if err != nil {
			log.Fatal(err)
		}
		clients[i] = client
	}

	burst := func(calls int64) {
		var next atomic.Int64
		var working sync.WaitGroup
		for _, client := range clients {
			working.Go(func() {
				for i := next.Add(1) - 1; i < calls; i = next.Add(1) - 1 {
					wanted := ids[i%int64(len(ids))]
					found, err := client.GetInstanceSnapshot(instance, wanted)
					if err != nil {
						log.Fatal(err)
					}
					if found.ID != wanted {
						log.Fatalf("asked for %s, got %s", wanted, found.ID)
					}
				}
			})
		}
		working.Wait()
	}

	burst(max(count/10, concurrency*3))
	runtime.GC()
	before := used()
	burst(count)
	fmt.Printf("{\"cpu_us\": %g}\n", (used()-before)/float64(count))
}

func number(text string) int64 {
	value, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		log.Fatal(err)
	}
	return value
}

// Microseconds of CPU that this process has used.
func used() float64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		log.Fatal(err)
	}
	return float64(usage.Utime.Nano()+usage.Stime.Nano()) / 1e3
}
