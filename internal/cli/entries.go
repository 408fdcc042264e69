// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"io"

	"github.com/mivet/mivet/internal/logfiles"
)

// eachEntry gives the entries of a log to a function: of a file, plain or packed, of a folder
// of exports, or for "-" of standard input. What cannot be read at all is an error; entries
// that cannot are in the report.
func eachEntry(ctx context.Context, path string, stdin io.Reader, take logfiles.Take) (r *logfiles.Report, err error) {
	if path == "-" {
		r, err = logfiles.EachOf(ctx, path, stdin, take)
	} else {
		r, err = logfiles.Each(ctx, []string{path}, take)
	}
	if err != nil {
		return nil, err
	}
	for i := range r.Faults {
		if r.Faults[i].Line == 0 {
			return nil, &r.Faults[i]
		}
	}
	return r, nil
}
