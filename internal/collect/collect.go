// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/redact"
)

// Config says what is collected, as whom, and where to.
type Config struct {
	Cloud      Cloud
	Credential azcore.TokenCredential
	// Redactor must be set: nothing is kept that did not pass it. KeyID names its key.
	Redactor *redact.Redactor
	KeyID    string
	// Version is that of mivet.
	Version string
	// Now is the clock.
	Now func() time.Time
	// With are the options.
	With []Option
	// Journal is the file that answers are kept in until the end; empty keeps them in memory.
	Journal string
	// Switches returns the properties of a resource type, below "properties", that turn keys
	// off or select a permission model.
	Switches func(resourceType string) []string
	// Progress is called now and then, by one goroutine at a time; nil for nobody.
	Progress func(Progress)
	// Transport is nil for the default one, with the proxies of the environment.
	Transport policy.Transporter
	// Since is an earlier snapshot of the tenant, of which resources are taken that did not
	// change; nil: everything is read.
	Since *Earlier
	// RetryDelay is the first pause after a failure that does not say how long to wait; 0 for
	// a default.
	RetryDelay time.Duration
}

func (o *Config) retryDelay() time.Duration {
	if o.RetryDelay > 0 {
		return o.RetryDelay
	}
	return 800 * time.Millisecond
}

// Result is what a collection gives.
type Result struct {
	Snapshot *mivet.Snapshot
	Caller   Caller
	Effort   Effort
	// Resumed is how many pages were there from a run before. Fresh says why an older
	// journal was not used; empty where there was none.
	Resumed int
	Fresh   string
	// Since says what was taken from the earlier snapshot; nil without one.
	Since *Kept

	run *run
}

// run is one collection.
type run struct {
	config   *Config
	client   *client
	journal  *journal
	door     door
	facts    *facts
	progress *meter
	caller   Caller
	wg       sync.WaitGroup
	cancel   context.CancelCauseFunc
	late     context.Context // ends when a collection in a hurry is over; nil: never
	asked    sync.Map        // what was asked of each resource
	raw      rawIndex
	work     *gate
	since    *Kept
}

func (r *run) now() time.Time { return r.config.Now() }

func (r *run) with(o Option) bool { return o == "" || slices.Contains(r.config.With, o) }

// Collect reads a tenant. On an error, and where the context ends, what was answered
// stays in the journal. The result must be closed.
func Collect(ctx context.Context, o *Config) (*Result, error) {
	r, res, err := begin(ctx, o, "everything")
	if err != nil {
		return nil, err
	}
	if err := r.everything(ctx); err != nil {
		return nil, errors.Join(err, r.journal.close())
	}
	return r.result(res), nil
}

// begin signs in and opens the journal.
func begin(ctx context.Context, o *Config, what string) (*run, *Result, error) {
	r := &run{
		config: o, client: newClient(o), door: door{o.Redactor},
		facts: newFacts(o.Redactor, o.Switches), progress: newMeter(o.Progress, o.Now), work: newGate(),
	}
	token, err := o.Credential.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{strings.TrimRight(o.Cloud.Audience, "/") + "/.default"}})
	if err != nil {
		return nil, nil, fmt.Errorf("signing in: %s", redact.Text(firstLines(err.Error(), 4)))
	}
	if r.caller, err = whoIs(token.Token); err != nil {
		return nil, nil, fmt.Errorf("signing in: %w", err)
	}
	of := strings.Join([]string{
		o.Cloud.ResourceManager, r.caller.Tenant, r.caller.Principal, fmt.Sprint(o.With), o.KeyID, o.Version, what, o.Since.name(),
	}, "|")
	j, why, err := openJournal(o.Journal, of, o.Now())
	if err != nil {
		return nil, nil, err
	}
	r.journal = j
	return r, &Result{Caller: r.caller, Resumed: j.found, Fresh: why}, nil
}

func firstLines(s string, n int) string {
	lines := strings.SplitN(s, "\n", n+1)
	return strings.TrimSpace(strings.Join(lines[:min(n, len(lines))], " "))
}

// result is what was collected.
func (r *run) result(res *Result) *Result {
	s := r.facts.finish()
	s.TakenAt, s.TenantID = r.journal.started.UTC(), r.caller.Tenant
	s.Inputs = []string{"Azure (" + r.config.Cloud.Name + "), tenant " + r.caller.Tenant}
	if r.since != nil && r.since.Whole == "" {
		s.Inputs = append(s.Inputs, fmt.Sprintf("%s without a change since, as a snapshot of %s has them", count(r.since.Kept, "resource"), r.config.Since.Snapshot.TakenAt.Format(time.RFC3339)))
	}
	res.Snapshot, res.Effort, res.Since, res.run = s, r.client.stats.effort(), r.since, r
	r.progress.done()
	return res
}

// Close closes the journal, which stays where it is.
func (res *Result) Close() error { return res.run.journal.close() }

// everything asks all questions. Each list is a task of its own; the quotas keep order.
func (r *run) everything(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	r.cancel = cancel
	r.spawn(ctx, r.subscriptions)
	r.spawn(ctx, func(ctx context.Context) { r.list(ctx, &listing{call: callContainers}, r.facts.containers) })
	r.spawn(ctx, r.resources)
	r.spawn(ctx, func(ctx context.Context) {
		r.list(ctx, &listing{call: callAuthorization}, func(p *page, src mivet.Source) { r.facts.authorization(p, callAuthorization.what, src) })
	})
	r.spawn(ctx, func(ctx context.Context) {
		r.list(ctx, &listing{call: callPolicies}, func(p *page, src mivet.Source) { r.facts.carriers(p, callPolicies.what, src) })
	})
	r.spawn(ctx, func(ctx context.Context) { r.list(ctx, &listing{call: callDelegations}, r.facts.delegations) })
	r.spawn(ctx, func(ctx context.Context) {
		r.list(ctx, &listing{call: callSiteConfigs}, func(p *page, _ mivet.Source) { r.facts.siteConfigs(p) })
	})
	r.spawn(ctx, r.directory)
	r.wg.Wait()
	if err := r.ended(ctx); err != nil {
		return err
	}
	r.spawn(ctx, r.aboveSubscriptions)
	r.spawn(ctx, r.principals)
	r.wg.Wait()
	r.unseen()
	return r.ended(ctx)
}

func (r *run) ended(ctx context.Context) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

// spawn does something beside everything else.
func (r *run) spawn(ctx context.Context, do func(context.Context)) {
	r.wg.Go(func() { do(ctx) })
}

// list reads a list and hands out its pages. What cannot be read is a gap.
func (r *run) list(ctx context.Context, l *listing, each func(*page, mivet.Source)) {
	r.progress.begin(l.call)
	defer r.progress.end(l.call)
	var origin *mivet.Origin
	rows, total, n, cut := 0, 0, 0, false
	err := r.pages(ctx, l, func(p *page) {
		if origin == nil {
			origin = &mivet.Origin{API: l.origin(), ReadAt: p.At.UTC()}
		}
		rows, total = rows+len(p.Rows)+p.Odd, max(total, p.Total)
		if p.Cut != "" {
			cut = true
			r.gap(l, p.Cut, "")
		}
		each(p, mivet.Source{Origin: origin})
		r.raw.add(l, n, p)
		n++
	})
	switch {
	case err != nil:
		r.failed(ctx, l, err)
	case total > 0 && rows != total && !cut:
		r.gap(l, fmt.Sprintf("Resource Graph says that there are %d %s and gave %d: they changed while they were read, or some were left out", total, l.call.what, rows), "")
	}
}

// failed turns a failure into gaps, or ends the collection.
func (r *run) failed(ctx context.Context, l *listing, err error) {
	var f *RequestError
	switch {
	case errors.As(err, &f):
	case r.late != nil && r.late.Err() != nil:
		r.gap(l, l.call.what+" were not read: the "+focusTime.String()+" of --for are over", "")
		return
	default:
		r.cancel(err)
		return
	}
	if slices.Contains(l.call.tolerated, f.Code) {
		return
	}
	if ctx.Err() != nil && r.late == nil {
		return
	}
	permission := ""
	if f.Forbidden() {
		permission = strings.Join(l.call.needs, ", ")
	}
	r.gap(l, reason(f, l.call), permission)
}

// reason says why a list could not be read.
func reason(f *RequestError, c *call) string {
	switch {
	case f.Forbidden():
		return c.what + " may not be read: " + first(f.Message, f.Code, "the service forbids it")
	case f.Status == http.StatusUnauthorized:
		return c.what + " could not be read: the service does not accept the token: " + first(f.Message, f.Code)
	case f.Status == http.StatusNotFound:
		return c.what + " could not be read: what was listed is not there any more"
	case f.Status == http.StatusTooManyRequests:
		return c.what + " could not be read: the service refused every try for its quota"
	case f.Status == 0:
		return c.what + " could not be read: " + f.Message
	default:
		return strings.TrimSuffix(fmt.Sprintf("%s could not be read: the service answers %d %s: %s", c.what, f.Status, f.Code, f.Message), ": ")
	}
}

// gap notes that a list was not read, or not to its end.
func (r *run) gap(l *listing, why, permission string) {
	for _, kind := range l.call.facts {
		g := mivet.Gap{
			Facts: kind, Reason: why, Permission: permission,
			Source: mivet.Source{Origin: &mivet.Origin{API: l.origin(), ReadAt: r.now().UTC()}},
		}
		if l.call.api == graph {
			g.Subject = l.id
		} else {
			g.Scope = parsed(l.id)
		}
		r.facts.gap(g)
	}
}

// subscriptions reads which subscriptions there are, and asks about each.
func (r *run) subscriptions(ctx context.Context) {
	l := &listing{call: callSubscriptions}
	r.list(ctx, l, func(p *page, src mivet.Source) {
		for _, id := range r.facts.subscriptionList(p, src) {
			for _, c := range []*call{callDenies, callEligible, callActive, callLocks} {
				r.spawn(ctx, func(ctx context.Context) { r.scoped(ctx, c, id, "") })
			}
		}
	})
}

// scoped reads one list of a scope.
func (r *run) scoped(ctx context.Context, c *call, id arm.ID, query string) {
	take := map[*call]func(*page, mivet.Source){
		callDenies: r.facts.denies, callEligible: r.facts.eligible, callActive: r.facts.active, callLocks: r.facts.locks,
	}[c]
	r.list(ctx, &listing{call: c, id: id.String(), query: query}, take)
}

// aboveSubscriptions asks about the management groups what their subscriptions may not
// have told: those without a subscription have nobody to tell it.
func (r *run) aboveSubscriptions(ctx context.Context) {
	for _, g := range r.facts.emptyGroups() {
		for _, c := range []*call{callDenies, callEligible, callActive} {
			r.spawn(ctx, func(ctx context.Context) { r.scoped(ctx, c, g, "$filter=atScope()") })
		}
	}
}

// resources reads all resources, and asks about each what its type calls for. The pages of
// one query come one after the other, and each takes its time: large tenants are read by
// several queries at once, each for some of the subscriptions.
func (r *run) resources(ctx context.Context) {
	counts := r.counted(ctx)
	if r.config.Since != nil {
		if r.since = r.changed(ctx, counts); r.since.Whole == "" {
			return
		}
	}
	r.all(ctx, parts(counts))
}

// all reads lists of resources.
func (r *run) all(ctx context.Context, lists []*listing) {
	var parts sync.WaitGroup
	for _, l := range lists {
		parts.Go(func() {
			r.list(ctx, l, func(p *page, src mivet.Source) { r.carriers(ctx, p, src) })
		})
	}
	parts.Wait()
}

// carriers takes resources and asks about each.
func (r *run) carriers(ctx context.Context, p *page, src mivet.Source) {
	r.facts.carriers(p, callResources.what, src)
	r.each(ctx, p.ids())
}

// each asks what belongs to resources of their types.
func (r *run) each(ctx context.Context, ids []arm.ID) {
	for _, id := range ids {
		for _, c := range perResource {
			if !r.with(c.with) || !slices.ContainsFunc(c.on, func(t string) bool { return id.HasType(t) }) {
				continue
			}
			at := id
			if c.above {
				at = id.Parent()
			}
			if _, twice := r.asked.LoadOrStore(c.what+"|"+string(at.Key()), true); !twice {
				r.spawn(ctx, func(ctx context.Context) { r.below(ctx, c, at) })
			}
		}
		if id.HasType(typeHSM) {
			r.spawn(ctx, func(ctx context.Context) { r.managedHSM(ctx, id) })
		}
	}
}

// below reads what belongs to one resource.
func (r *run) below(ctx context.Context, c *call, id arm.ID) {
	l := &listing{call: c, id: id.String()}
	r.list(ctx, l, func(p *page, src mivet.Source) { r.taken(ctx, c, id, p, src) })
}

// taken takes a page of what belongs to one resource.
func (r *run) taken(ctx context.Context, c *call, id arm.ID, p *page, src mivet.Source) {
	switch {
	case c.single:
		r.facts.more(id, c, p)
	case c.with == WithSettings:
		r.facts.settingsList(id, p)
	case c.with == WithChildren, c.with == WithLogs, c.facts[0] == mivet.FactIdentities:
		r.facts.carriers(p, c.what, src)
		r.each(ctx, p.ids())
	case c.facts[0] == mivet.FactFederatedCredentials:
		r.facts.federated(id, p, src)
	default:
		r.facts.local(id, c.what, p, src)
	}
}

// managedHSM asks a managed HSM at its own host, if that is one of the cloud's.
func (r *run) managedHSM(ctx context.Context, id arm.ID) {
	suffix := r.config.Cloud.HSMSuffix
	name := strings.ToLower(id.Name())
	for _, c := range []*call{callHSMRoles, callHSMGrants} {
		l := &listing{call: c, id: id.String(), host: name + "." + suffix}
		if suffix == "" || strings.ContainsAny(name, "./:@?#") {
			r.gap(l, c.what+" were not asked for: the host of the HSM is not known", "")
			continue
		}
		r.list(ctx, l, func(p *page, src mivet.Source) { r.facts.hsm(id, c == callHSMGrants, p, src) })
	}
}
