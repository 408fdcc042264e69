// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"runtime"
	"sync"
)

// gate lets as many pages be looked through at once as there are processors. Those of
// Resource Graph go first: its quota is the tightest, and a query that is not sent in time
// is lost. Where processors are scarce, everything else waits for it.
type gate struct {
	mu            sync.Mutex
	busy, most    int
	first, others []chan struct{}
}

func newGate() *gate { return &gate{most: runtime.GOMAXPROCS(0)} }

// enter waits for a place.
func (g *gate) enter(first bool) {
	g.mu.Lock()
	if g.busy < g.most {
		g.busy++
		g.mu.Unlock()
		return
	}
	free := make(chan struct{})
	if first {
		g.first = append(g.first, free)
	} else {
		g.others = append(g.others, free)
	}
	g.mu.Unlock()
	<-free
}

// leave gives the place to the next one.
func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	line := &g.first
	if len(g.first) == 0 {
		line = &g.others
	}
	if len(*line) == 0 {
		g.busy--
		return
	}
	close((*line)[0])
	*line = (*line)[1:]
}
