// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"sync"

	"github.com/mivet/mivet"
)

// A templateJob is a template of a folder, whose place among the snapshots is kept.
type templateJob struct {
	name string
	info os.FileInfo
	at   int
}

// readTemplates reads the templates of a folder, as many at once as there are processors.
// What is said of them is said in their order.
func (in *intake) readTemplates(ctx context.Context) error {
	said := make([]bytes.Buffer, len(in.templates))
	errs := make([]error, len(in.templates))
	next := make(chan int)
	var workers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(in.templates)) {
		workers.Go(func() {
			for i := range next {
				one := *in.app
				one.Stderr = &said[i]
				in.snaps[in.templates[i].at], errs[i] = in.readJob(ctx, &one, in.templates[i])
			}
		})
	}
	for i := range in.templates {
		next <- i
	}
	close(next)
	workers.Wait()
	for i := range said {
		if _, err := said[i].WriteTo(in.app.Stderr); err != nil {
			return err
		}
		if errs[i] != nil {
			return errs[i]
		}
	}
	return nil
}

func (in *intake) readJob(ctx context.Context, a *app, job templateJob) (snap *mivet.Snapshot, err error) {
	f, err := os.Open(filepath.Clean(job.name))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	snap, err = readTemplate(ctx, a, &source{name: job.name, text: f, info: job.info, template: in.template})
	if err == nil && len(snap.Inputs) == 0 {
		snap.Inputs = []string{job.name}
	}
	return snap, err
}
