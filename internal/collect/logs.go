// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/mivet/mivet/kusto"
	"github.com/mivet/mivet/redact"
	"github.com/mivet/mivet/usage"
)

// Queries of logs. They are no part of a collection, and of the role for one.
// Sources: learn.microsoft.com rest/api/loganalytics/query/execute, azure-monitor/logs/manage-access;
// kusto/api/rest/request, kusto/access-control/role-based-access-control.
var (
	callWorkspace = &call{
		what: "logs of the workspace", api: logAnalytics, method: http.MethodPost, prefer: "wait=100",
		needs: []string{"Microsoft.OperationalInsights/workspaces/query/read", "Microsoft.OperationalInsights/workspaces/query/*/read"},
	}
	callDatabase = &call{
		what: "logs of the database", api: dataExplorer, method: http.MethodPost,
		needs: []string{"the role Database Viewer of Azure Data Explorer"},
	}
)

// serverTime is how long Data Explorer may work at a query. What takes longer is asked in
// smaller parts, as what does not answer within the time of the header "Prefer".
const serverTime = "00:01:40"

// A LogPlace is where logs can be asked for.
type LogPlace struct {
	// Workspace is the ID of a workspace of Log Analytics.
	Workspace string
	// Cluster is the address of a cluster of Azure Data Explorer, Database one of its databases.
	Cluster, Database string
}

var guidForm = regexp.MustCompile(`^(?i:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})$`)

// ParseLogPlace reads the ID of a workspace, or https://CLUSTER/DATABASE.
func ParseLogPlace(s string) (LogPlace, error) {
	if guidForm.MatchString(s) {
		return LogPlace{Workspace: strings.ToLower(s)}, nil
	}
	u, err := url.Parse(s)
	if err == nil && u.Scheme == "https" && u.Host != "" && u.User == nil && u.RawQuery == "" && u.Fragment == "" {
		if database := strings.Trim(u.Path, "/"); database != "" && !strings.Contains(database, "/") {
			return LogPlace{Cluster: "https://" + u.Host, Database: database}, nil
		}
	}
	return LogPlace{}, fmt.Errorf("%q is neither the ID of a workspace nor https://CLUSTER/DATABASE", s)
}

// String returns what ParseLogPlace reads.
func (p *LogPlace) String() string {
	if p.Workspace != "" {
		return p.Workspace
	}
	return p.Cluster + "/" + p.Database
}

// LogQuery says which logs are asked for, and where what they say goes.
type LogQuery struct {
	Place LogPlace
	// First and Last are the days, both within.
	First, Last usage.Day
	// Ledger takes what each table says of each day. A day on which the number of entries is
	// the same as it has there is not asked for again.
	Ledger *usage.Ledger
}

// LogReport is what asking came to.
type LogReport struct {
	// Absent are tables that are not there.
	Absent []string
	// Days is how many days of tables were asked for, Unchanged how many were there already.
	Days, Unchanged int
	// Entries is how many entries the days have that were asked for.
	Entries int64
	Effort  Effort
}

// QueryLogs asks for logs. On an error the ledger has what was answered.
func QueryLogs(ctx context.Context, o *Config, q *LogQuery) (*LogReport, error) {
	config := *o
	c := callWorkspace
	if q.Place.Workspace == "" {
		c = callDatabase
		config.Cloud.explorer = q.Place.Cluster
	} else if o.Cloud.Logs == "" {
		return nil, fmt.Errorf("the cloud %s does not say where Log Analytics is", o.Cloud.Name)
	}
	scope := config.Cloud.Logs
	if c == callDatabase {
		scope = config.Cloud.explorer
	}
	if _, err := o.Credential.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{scope + "/.default"}}); err != nil {
		return nil, fmt.Errorf("signing in: %s", redact.Text(firstLines(err.Error(), 4)))
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	r := logReader{LogQuery: q, client: newClient(&config), call: c, now: o.Now().UTC(), cancel: cancel}
	tables := kusto.Tables()
	days := make([]map[usage.Day]int64, len(tables))
	for i := range tables {
		r.wait.Go(func() { days[i] = r.days(ctx, &tables[i]) })
	}
	r.wait.Wait()
	for i := range tables {
		for day, n := range days[i] {
			r.wait.Go(func() {
				if err := r.day(ctx, &tables[i], day, n); err != nil {
					r.cancel(err)
				}
			})
		}
	}
	r.wait.Wait()
	r.report.Effort = r.client.stats.effort()
	slices.Sort(r.report.Absent)
	return &r.report, context.Cause(ctx)
}

// logReader asks for logs.
type logReader struct {
	*LogQuery
	client *client
	call   *call
	now    time.Time
	cancel context.CancelCauseFunc
	wait   sync.WaitGroup

	mu     sync.Mutex
	report LogReport
}

// days asks on which days a table has entries, and how many; nil where it is not there.
func (r *logReader) days(ctx context.Context, t *kusto.Table) map[usage.Day]int64 {
	a, err := r.ask(ctx, t.Days, r.First.Time(), (r.Last + 1).Time())
	var f *RequestError
	if errors.As(err, &f) && kusto.NoTable(f.Message) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.report.Absent = append(r.report.Absent, t.Name)
		return nil
	}
	if err == nil && a.Partial != "" {
		err = fmt.Errorf("asking how many entries %s has: %s", t.Name, clip(redact.Text(a.Partial)))
	}
	var days map[usage.Day]int64
	if err == nil {
		days, err = kusto.Days(a)
	}
	if err != nil {
		r.cancel(err)
	}
	return days
}

// day asks for the entries of a day.
func (r *logReader) day(ctx context.Context, t *kusto.Table, day usage.Day, n int64) error {
	end := (day + 1).Time()
	p := usage.Part{Source: usage.Source{Name: "query/" + r.Place.String() + "/" + t.Name + "/" + day.String(), Size: n, Modified: end, Read: r.now}}
	r.mu.Lock()
	known := r.Ledger.Has(&p.Source)
	if known {
		r.report.Unchanged++
	}
	r.mu.Unlock()
	if known {
		return nil
	}
	k, err := kusto.NewTaker()
	if err != nil {
		return err
	}
	if err := r.span(ctx, t, day.Time(), end, k); err != nil {
		return err
	}
	p.Summary = k.Summary()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Ledger.Put(&p)
	r.report.Days++
	r.report.Entries += p.Entries
	return nil
}

// shortest is the shortest span of time that is asked for: entries of one call are put
// together within an hour.
const shortest = time.Hour

// span asks for the entries of a span of time. Where there are too many of them, or they
// take too long, it asks for each half.
func (r *logReader) span(ctx context.Context, t *kusto.Table, from, to time.Time, k *kusto.Taker) error {
	a, err := r.ask(ctx, t.Query, from, to)
	if err == nil && a.Partial == "" {
		return k.Take(t, a)
	}
	var f *RequestError
	switch {
	case err == nil:
		err = fmt.Errorf("reading %s from %s to %s: %s", t.Name, from.Format(time.RFC3339), to.Format(time.RFC3339), clip(redact.Text(a.Partial)))
	case errors.Is(err, errTooLarge), errors.As(err, &f) && f.Status == http.StatusGatewayTimeout:
	default:
		return err
	}
	half := (to.Sub(from) / 2).Truncate(shortest)
	if half < shortest {
		return err
	}
	if err := r.span(ctx, t, from, from.Add(half), k); err != nil {
		return err
	}
	return r.span(ctx, t, from.Add(half), to, k)
}

// ask sends a query for a span of time. Tables of the plans Basic and Auxiliary want the span
// beside the query (learn.microsoft.com azure-monitor/logs/basic-logs-query).
func (r *logReader) ask(ctx context.Context, write func(from, to time.Time) string, from, to time.Time) (*kusto.Answer, error) {
	query := write(from, to)
	q := request{call: r.call, into: new(json.RawMessage)}
	if r.call == callWorkspace {
		q.url = r.client.cloud.Logs + "/v1/workspaces/" + r.Place.Workspace + "/query"
		q.body = map[string]any{"query": query, "timespan": from.Format(time.RFC3339) + "/" + to.Format(time.RFC3339)}
	} else {
		q.url = r.Place.Cluster + "/v2/rest/query"
		q.body = map[string]any{
			"db": r.Place.Database, "csl": query,
			"properties": map[string]any{"Options": map[string]any{"servertimeout": serverTime, "deferpartialqueryfailures": true}},
		}
	}
	a, err := r.client.send(ctx, &q)
	if err != nil {
		return nil, err
	}
	return kusto.ReadAnswer(a.body)
}
