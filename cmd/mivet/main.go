// SPDX-License-Identifier: Apache-2.0

// Command mivet vets the managed identities of an Azure tenant: who can do what where,
// and what is wrong with it. It changes nothing in Azure.
package main

import (
	"os"
	"runtime"
	"runtime/debug"

	"github.com/mivet/mivet/internal/cli"
)

func main() {
	deferCollection()
	c := cli.Command{Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Env: os.Getenv, Environ: os.Environ}
	os.Exit(c.Main(os.Args[1:]))
}

// quietHeap is the size of the heap, in bytes, below which no garbage is collected. Most
// runs end before they need more.
const quietHeap = 128 << 20

// deferCollection puts off the first collection of garbage until the heap is worth it.
// From then on the collector works as usual. Who has set it up by the environment is left
// alone.
func deferCollection() {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	percent, limit := debug.SetGCPercent(-1), debug.SetMemoryLimit(quietHeap)
	// The first collection finds this to be garbage.
	runtime.AddCleanup(new([4]*byte), func(int) {
		debug.SetMemoryLimit(limit)
		debug.SetGCPercent(percent)
	}, 0)
}
