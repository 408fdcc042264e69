// SPDX-License-Identifier: Apache-2.0

package clickhouse

import (
	"crypto/sha256"
	"encoding/binary"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/mivet/mivet/logs"
	"github.com/mivet/mivet/usage"
)

// tick is the unit of times: that of .NET and of Kusto.
const tick = 100 * time.Nanosecond

// ticks counts them from 1970-01-01.
func ticks(t time.Time) int64 {
	return t.Unix()*int64(time.Second/tick) + int64(t.Nanosecond())/int64(tick)
}

// timeOf reads what ticks wrote; the zero time for the ends of the range.
func timeOf(n int64) time.Time {
	if n == math.MaxInt64 || n == math.MinInt64 {
		return time.Time{}
	}
	const second = int64(time.Second / tick)
	s, rest := n/second, n%second
	if rest < 0 {
		s, rest = s-1, rest+second
	}
	return time.Unix(s, rest*int64(tick)).UTC()
}

// outcomes by the number that the tables hold. A larger one says more: a refusal more than
// a grant, and that more than nothing.
func outcomeOf(o logs.Outcome) uint64 {
	switch o {
	case logs.Granted:
		return 1
	case logs.Refused:
		return 2
	default:
		return 0
	}
}

// row writes rows in the form TabSeparated.
type row struct {
	b     []byte
	begun bool
}

func (r *row) sep() {
	if r.begun {
		r.b = append(r.b, '\t')
	}
	r.begun = true
}

func (r *row) end() {
	r.b = append(r.b, '\n')
	r.begun = false
}

func (r *row) int(n int64) {
	r.sep()
	r.b = strconv.AppendInt(r.b, n, 10)
}

func (r *row) uint(n uint64) {
	r.sep()
	r.b = strconv.AppendUint(r.b, n, 10)
}

func (r *row) flag(b bool) {
	n := uint64(0)
	if b {
		n = 1
	}
	r.uint(n)
}

// date writes a DateTime, which begins with 1970 and ends with 2106.
func (r *row) date(t time.Time) {
	s := int64(0)
	if !t.IsZero() {
		s = min(max(t.Unix(), 0), math.MaxUint32)
	}
	r.sep()
	r.b = time.Unix(s, 0).UTC().AppendFormat(r.b, time.DateTime)
}

func (r *row) bytes(text []byte) { text2(r, text) }

func (r *row) text(text string) { text2(r, text) }

// text2 writes a text with what would end it written as escapes.
func text2[T string | []byte](r *row, text T) {
	r.sep()
	for i := range len(text) {
		switch c := text[i]; c {
		case '\t':
			r.b = append(r.b, `\t`...)
		case '\n':
			r.b = append(r.b, `\n`...)
		case '\\':
			r.b = append(r.b, `\\`...)
		case 0:
			r.b = append(r.b, `\0`...)
		default:
			r.b = append(r.b, c)
		}
	}
}

// entry writes a row of entryColumns.
func (r *row) entry(s *usage.Source, line int, text []byte, e *logs.Entry) {
	byApp := e.Reason == logs.NoPrincipal && len(e.AppID) > 0
	used := e.Use() || byApp
	principal, app := strings.ToLower(string(e.Principal)), ""
	client := string(e.AppID)
	if byApp {
		principal, app = "", strings.ToLower(client)
		client = app
	}
	day := usage.DayOf(e.Time)
	first, last := int64(math.MaxInt64), int64(math.MinInt64)
	if !e.Time.IsZero() {
		first = ticks(e.Time)
		last = first
	}
	digest := usage.Digest(text)
	together := digest
	if used && e.Log == logs.Activity && len(e.Correlation) > 0 {
		together = callOf(principal, app, e)
	}
	operation := []byte(nil)
	if !used && e.Reason == logs.UnknownOperation {
		operation = e.Operation
	}
	r.text(s.Name)
	r.date(s.Hour)
	r.int(ticks(s.Read))
	r.uint(uint64(line))
	r.uint(digest)
	r.uint(together)
	r.flag(used)
	r.flag(used || e.Log == logs.SignIn && len(e.Principal) > 0)
	r.text(principal)
	r.text(app)
	r.text(e.Log.String())
	r.bytes(e.Action)
	r.text(e.Plane.String())
	r.bytes(e.Scope)
	r.int(int64(day))
	r.uint(outcomeOf(e.Granted))
	r.int(e.Count)
	r.int(first)
	r.int(last)
	r.text(client)
	r.bytes(e.Host)
	r.bytes(e.Credential)
	r.bytes(e.Caller)
	r.bytes(e.Agent)
	r.bytes(e.Category)
	r.bytes(e.Resource)
	r.text(string(e.Reason))
	r.bytes(operation)
	r.end()
}

// callOf is equal for the entries of one call to Resource Manager: started, accepted,
// succeeded. They are put together within an hour, as files of exports have them.
func callOf(principal, app string, e *logs.Entry) uint64 {
	h := sha256.New()
	for _, part := range [...]string{principal, app, e.Plane.String(), string(e.Correlation), string(e.Call), string(e.Action), string(e.Scope), e.Time.UTC().Truncate(time.Hour).Format(time.RFC3339)} {
		h.Write([]byte(part))
		h.Write([]byte{0})
	}
	return binary.LittleEndian.Uint64(h.Sum(nil))
}

// source writes rows of sourceColumns, one for each slot.
func (r *row) source(s *usage.Source, slots uint64) {
	for slot := range slots {
		r.text(s.Name)
		r.date(s.Hour)
		r.int(ticks(s.Read))
		r.int(s.Size)
		r.int(ticks(s.Modified))
		r.flag(s.Unfinished)
		r.int(s.Faults)
		r.uint(slot)
		r.end()
	}
}
