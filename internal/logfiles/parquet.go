// SPDX-License-Identifier: Apache-2.0

package logfiles

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"
)

// rowsAtOnce is how many rows of a Parquet file are held.
const rowsAtOnce = 256

// parquetLines reads the rows of a Parquet file as JSON Lines, one object by the names of
// the columns: exports of tables and of pipelines have the names of the log's own columns.
func parquetLines(f *os.File) (_ io.ReadCloser, err error) {
	defer recovered(&err)
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	file, err := parquet.OpenFile(f, info.Size(), parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
	if err != nil {
		return nil, fmt.Errorf("reading Parquet: %w", err)
	}
	return &parquetReader{f: f, rows: parquet.NewGenericReader[any](file), times: timeColumns(file.Schema())}, nil
}

// recovered turns a panic of the decoder, which trusts what it reads, into an error.
func recovered(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("reading Parquet: the file is damaged (%v)", r)
	}
}

// timeColumns are the columns of a time, with what their numbers count.
func timeColumns(s *parquet.Schema) map[string]time.Duration {
	units := map[string]time.Duration{}
	for _, field := range s.Fields() {
		if !field.Leaf() {
			continue
		}
		if t := field.Type().LogicalType(); t != nil {
			if stamp, ok := t.Value.(*format.TimestampType); ok && stamp.Unit.Value != nil {
				units[field.Name()] = stamp.Unit.Value.Duration()
			}
		}
	}
	return units
}

// parquetReader writes rows as lines as they are asked for.
type parquetReader struct {
	f     *os.File
	rows  *parquet.GenericReader[any]
	times map[string]time.Duration
	out   bytes.Buffer
	batch [rowsAtOnce]any
	end   error
}

func (p *parquetReader) Read(b []byte) (int, error) {
	for p.out.Len() == 0 {
		if p.end != nil {
			return 0, p.end
		}
		p.end = p.fill()
	}
	return p.out.Read(b)
}

func (p *parquetReader) fill() (err error) {
	defer recovered(&err)
	p.out.Reset()
	clear(p.batch[:])
	n, err := p.rows.Read(p.batch[:])
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("reading Parquet: %w", err)
	}
	enc := json.NewEncoder(&p.out)
	enc.SetEscapeHTML(false)
	for _, row := range p.batch[:n] {
		if bad := enc.Encode(p.plain("", row)); bad != nil {
			return fmt.Errorf("reading Parquet: %w", bad)
		}
	}
	return err
}

// plain gives a value the form that it has in a log.
func (p *parquetReader) plain(name string, v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, inner := range v {
			v[k] = p.plain(k, inner)
		}
		return v
	case []any:
		for i, inner := range v {
			v[i] = p.plain(name, inner)
		}
		return v
	case []byte:
		return string(v)
	case int64:
		if unit := p.times[name]; unit > 0 {
			perSecond := int64(time.Second / unit)
			return time.Unix(v/perSecond, v%perSecond*int64(unit)).UTC().Format(time.RFC3339Nano)
		}
	case time.Time:
		return v.UTC().Format(time.RFC3339Nano)
	}
	return v
}

func (p *parquetReader) Close() error { return errors.Join(p.rows.Close(), p.f.Close()) }
