// SPDX-License-Identifier: Apache-2.0

package clickhouse

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/mivet/mivet/logs"
	"github.com/mivet/mivet/usage"
)

// A Store is the tables at an address. Several goroutines may use it.
type Store struct {
	address  Address
	password string
	client   *http.Client
	slots    uint64
	files    map[string]usage.Source
}

// Open signs in, makes the tables where there is one server, and reads which files are
// there. On a cluster the tables must have been made: see [Address.Schema].
func Open(ctx context.Context, a *Address, password string, client *http.Client) (*Store, error) {
	s := &Store{address: *a, password: password, client: client, slots: 1, files: map[string]usage.Source{}}
	if a.Cluster == "" {
		for _, statement := range a.Schema() {
			if err := s.exec(ctx, "making the tables", statement, nil); err != nil {
				return nil, err
			}
		}
	} else if err := s.weigh(ctx); err != nil {
		return nil, err
	}
	if err := s.find(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// weigh counts the slots of the cluster: rows go to the shard in whose share the rest of
// the key, divided by the sum of the weights, is.
func (s *Store) weigh(ctx context.Context) error {
	var one struct {
		Slots uint64 `json:"slots"`
	}
	query := "SELECT toUInt64(sum(w)) AS slots FROM (SELECT shard_num, any(shard_weight) AS w FROM system.clusters WHERE cluster = '" + s.address.Cluster + "' GROUP BY shard_num)"
	err := s.rows(ctx, "asking for the shards", query, func(line []byte) error { return json.Unmarshal(line, &one) })
	if err != nil {
		return err
	}
	if one.Slots == 0 {
		return fmt.Errorf("the server at %s knows no cluster %q", s.address.Server, s.address.Cluster)
	}
	s.slots = one.Slots
	return nil
}

// find reads which files are there.
func (s *Store) find(ctx context.Context) error {
	var f struct {
		Source     string `json:"source"`
		Size       int64  `json:"size"`
		Modified   int64  `json:"modified"`
		Unfinished uint8  `json:"unfinished"`
	}
	query := "SELECT source, argMax(size, read) AS size, argMax(modified, read) AS modified, argMax(unfinished, read) AS unfinished FROM " + s.address.table("sources") + " GROUP BY source"
	return s.rows(ctx, "asking which files are there", query, func(line []byte) error {
		if err := json.Unmarshal(line, &f); err != nil {
			return err
		}
		s.files[f.Source] = usage.Source{Name: f.Source, Size: f.Size, Modified: timeOf(f.Modified), Unfinished: f.Unfinished != 0}
		return nil
	})
}

// Has reports whether a file was read as it is, so that it need not be read again.
func (s *Store) Has(f *usage.Source) bool {
	old, ok := s.files[f.Name]
	return ok && !old.Unfinished && old.Size == f.Size && old.Modified.Equal(f.Modified.Truncate(tick))
}

// A Loader takes the entries of one file. They count when it is closed, and what an earlier
// reading of the file said does not count any more.
type Loader struct {
	store  *Store
	ctx    context.Context //nolint:containedctx // a loader is one operation
	source usage.Source
	row    row
}

// Load begins with a file.
func (s *Store) Load(ctx context.Context, f *usage.Source) *Loader {
	return &Loader{store: s, ctx: ctx, source: *f}
}

// batch is how many bytes of rows are sent at once.
const batch = 8 << 20

// Add takes an entry. It keeps nothing of the entry's memory.
func (l *Loader) Add(line int, text []byte, e *logs.Entry) error {
	l.row.entry(&l.source, line, text, e)
	if len(l.row.b) < batch {
		return nil
	}
	return l.flush("entries", entryColumns)
}

// Close writes what is left, and that the reading is complete.
func (l *Loader) Close(f *usage.Source) error {
	l.source = *f
	if err := l.flush("entries", entryColumns); err != nil {
		return err
	}
	l.row.source(&l.source, l.store.slots)
	return l.flush("sources", sourceColumns)
}

func (l *Loader) flush(table string, columns []column) error {
	if len(l.row.b) == 0 {
		return nil
	}
	err := l.store.exec(l.ctx, "writing "+table+" of "+l.source.Name, l.store.address.insert(table, columns), bytes.NewReader(l.row.b))
	l.row.b = l.row.b[:0]
	return err
}

// maxOrigins is how many origins of a principal are told apart; the others are one.
const maxOrigins = 64

// Summary asks for what all files say of some principals, named by their object id or by
// their application; without any, of everybody.
func (s *Store) Summary(ctx context.Context, of ...string) (*usage.Summary, error) {
	q := reader{store: s, ctx: ctx}
	if len(of) > 0 {
		list := make([]string, len(of))
		for i, id := range of {
			list[i] = quoted(strings.ToLower(id))
		}
		in := "(" + strings.Join(list, ", ") + ")"
		q.where = " WHERE (principal IN " + in + " OR app IN " + in + ")"
	}
	for _, ask := range []func() error{q.facts, q.origins, q.seen, q.unmapped} {
		if err := ask(); err != nil {
			return nil, err
		}
	}
	ledger := usage.NewLedger()
	ledger.Put(&usage.Part{Source: usage.Source{Name: s.address.Server}, Summary: q.summary}) // puts it in order
	return ledger.Total(), nil
}

// quoted writes a text as SQL does.
func quoted(s string) string { return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'" }

// reader reads the views.
type reader struct {
	store   *Store
	ctx     context.Context //nolint:containedctx // a reader is one operation
	where   string
	summary usage.Summary
}

// total asks a view for the sum over all shards.
func (q *reader) total(view, keys, sums, where string, each func([]byte) error) error {
	query := "SELECT " + keys + ", " + sums + " FROM " + q.store.address.table(view) + where + " GROUP BY " + keys
	return q.store.rows(q.ctx, "asking for "+view, query, each)
}

// counted are the columns of counts.
type counted struct {
	Granted, Refused, Undecided, First, Last int64
}

func (c *counted) counts() usage.Counts {
	return usage.Counts{Granted: c.Granted, Refused: c.Refused, Undecided: c.Undecided, First: timeOf(c.First), Last: timeOf(c.Last)}
}

// The sums have other names than the columns they are of: a name of a result hides a column.
const countSums = "sum(granted) AS Granted, sum(refused) AS Refused, sum(undecided) AS Undecided, min(first) AS First, max(last) AS Last"

func (q *reader) facts() error {
	type line struct {
		Principal string `json:"principal"`
		App       string `json:"app"`
		Log       string `json:"log"`
		Action    string `json:"action"`
		Plane     string `json:"plane"`
		Scope     string `json:"scope"`
		Day       int32  `json:"day"`
		counted
	}
	return q.total("facts", "principal, app, log, action, plane, scope, day", countSums, q.where, func(text []byte) error {
		var l line
		if err := json.Unmarshal(text, &l); err != nil {
			return err
		}
		f := usage.Fact{Principal: l.Principal, App: l.App, Action: l.Action, Scope: l.Scope, Day: usage.Day(l.Day), Counts: l.counts()}
		if err := f.Log.UnmarshalText([]byte(l.Log)); err != nil {
			return err
		}
		if err := f.Plane.UnmarshalText([]byte(l.Plane)); err != nil {
			return err
		}
		q.summary.Facts = append(q.summary.Facts, f)
		return nil
	})
}

func (q *reader) origins() error {
	type line struct {
		Principal  string `json:"principal"`
		App        string `json:"app"`
		Client     string `json:"client"`
		Host       string `json:"host"`
		Credential string `json:"credential"`
		Caller     string `json:"caller"`
		Agent      string `json:"agent"`
		counted
	}
	kept := map[[2]string]int{}
	keys := "principal, app, client, host, credential, caller, agent"
	return q.total("origins", keys, countSums, q.where, func(text []byte) error {
		var l line
		if err := json.Unmarshal(text, &l); err != nil {
			return err
		}
		o := usage.Origin{Principal: l.Principal, App: l.Client, Host: l.Host, Credential: l.Credential, Caller: l.Caller, Agent: l.Agent}
		who := [2]string{l.Principal, l.App}
		if kept[who]++; kept[who] > maxOrigins {
			o = usage.Origin{Principal: l.Principal, App: l.App, More: true}
		}
		o.Counts = l.counts()
		q.summary.Origins = append(q.summary.Origins, o)
		return nil
	})
}

func (q *reader) seen() error {
	type line struct {
		Log      string `json:"log"`
		Category string `json:"category"`
		Resource string `json:"resource"`
		Entries  int64  `json:"Entries"`
		Lines    int64  `json:"Lines"`
		First    int32  `json:"First"`
		Last     int32  `json:"Last"`
	}
	sums := "sum(entries) AS Entries, sum(lines) AS Lines, min(begins) AS First, max(ends) AS Last"
	return q.total("seen", "log, category, resource", sums, "", func(text []byte) error {
		var l line
		if err := json.Unmarshal(text, &l); err != nil {
			return err
		}
		n := usage.Seen{Category: l.Category, Resource: l.Resource, Entries: l.Entries, First: usage.Day(l.First), Last: usage.Day(l.Last)}
		if n.Last == usage.NoDay {
			n.First = usage.NoDay
		}
		if err := n.Log.UnmarshalText([]byte(l.Log)); err != nil {
			return err
		}
		q.summary.Entries += l.Entries
		q.summary.Repeated += l.Lines - l.Entries
		q.summary.Seen = append(q.summary.Seen, n)
		return nil
	})
}

func (q *reader) unmapped() error {
	type line struct {
		Log       string `json:"log"`
		Category  string `json:"category"`
		Reason    string `json:"reason"`
		Operation string `json:"operation"`
		Entries   int64  `json:"Entries"`
	}
	return q.total("unmapped", "log, category, reason, operation", "sum(entries) AS Entries", "", func(text []byte) error {
		var l line
		if err := json.Unmarshal(text, &l); err != nil {
			return err
		}
		u := usage.Unmapped{Category: l.Category, Reason: logs.Reason(l.Reason), Operation: l.Operation, Entries: l.Entries}
		if err := u.Log.UnmarshalText([]byte(l.Log)); err != nil {
			return err
		}
		q.summary.Unmapped = append(q.summary.Unmapped, u)
		return nil
	})
}

// settings hold for all statements. Rows of a distributed table are on their shards when a
// statement ends; numbers of 64 bits are no texts; a condition on a view is one on its tables,
// as it is without being told so since release 19.
var settings = url.Values{
	"insert_distributed_sync": {"1"}, "output_format_json_quote_64bit_integers": {"0"}, "enable_optimize_predicate_expression": {"1"},
}

// exec runs a statement that answers nothing.
func (s *Store) exec(ctx context.Context, what, statement string, body io.Reader) error {
	r, err := s.send(ctx, what, statement, body)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, r)
	return errors.Join(err, r.Close())
}

// rows runs a query and hands out its rows, each a JSON object.
func (s *Store) rows(ctx context.Context, what, query string, each func([]byte) error) error {
	r, err := s.send(ctx, what, query+" FORMAT JSONEachRow", nil)
	if err != nil {
		return err
	}
	const buffer, longest = 64 << 10, 32 << 20
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, buffer), longest)
	for err == nil && lines.Scan() {
		// A query that fails when rows were sent says so in a line of its own.
		if text := lines.Bytes(); len(text) > 0 && text[0] != '{' {
			err = fmt.Errorf("%s: ClickHouse answers: %s", what, clip(text))
		} else if err = each(text); err != nil {
			err = fmt.Errorf("%s: reading the answer: %w", what, err)
		}
	}
	if err == nil && lines.Err() != nil {
		err = fmt.Errorf("%s: reading the answer: %w", what, lines.Err())
	}
	return errors.Join(err, r.Close())
}

// send sends a statement; rows to insert are the body.
func (s *Store) send(ctx context.Context, what, statement string, body io.Reader) (io.ReadCloser, error) {
	values := url.Values{}
	maps.Copy(values, settings)
	if body == nil {
		body = strings.NewReader(statement)
	} else {
		values.Set("query", statement)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.address.Server+"/?"+values.Encode(), body)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	if s.address.User != "" || s.password != "" {
		user := s.address.User
		if user == "" {
			user = "default"
		}
		req.SetBasicAuth(user, s.password)
	}
	resp, err := s.client.Do(req)
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) { // its address holds the statement
			err = u.Err
		}
		return nil, fmt.Errorf("%s: asking ClickHouse at %s: %w", what, s.address.Server, err)
	}
	if resp.StatusCode == http.StatusOK {
		return resp.Body, nil
	}
	const most = 4 << 10
	text, err := io.ReadAll(io.LimitReader(resp.Body, most))
	return nil, errors.Join(fmt.Errorf("%s: ClickHouse answers %d: %s", what, resp.StatusCode, clip(text)), err, resp.Body.Close())
}

// clip keeps the first line of an answer.
func clip(text []byte) string {
	const most = 400
	text, _, _ = bytes.Cut(bytes.TrimSpace(text), []byte("\n"))
	return strings.ToValidUTF8(string(text[:min(len(text), most)]), "")
}

// Client is an HTTP client for a store. It waits long for answers: the server counts.
func Client() *http.Client { return &http.Client{Timeout: time.Hour} }
