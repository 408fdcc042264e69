// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/mivet/mivet"
)

// directory reads what does not hang on what the rest finds.
func (r *run) directory(ctx context.Context) {
	r.spawn(ctx, func(ctx context.Context) { r.list(ctx, &listing{call: callApplications}, r.facts.applications) })
	for _, c := range []*call{callApplicationOwners, callPrincipalOwners} {
		r.spawn(ctx, func(ctx context.Context) {
			r.list(ctx, &listing{call: c}, func(p *page, src mivet.Source) { r.facts.owners(p, c.what, src) })
		})
	}
	r.spawn(ctx, func(ctx context.Context) {
		r.list(ctx, &listing{call: callDirectoryRoles}, func(p *page, _ mivet.Source) { r.facts.directoryRoles(p) })
	})
	r.spawn(ctx, func(ctx context.Context) {
		r.list(ctx, &listing{call: callDirectoryAssignments}, func(p *page, src mivet.Source) { r.facts.directoryAssignments(p, false, src) })
	})
	r.spawn(ctx, func(ctx context.Context) {
		r.list(ctx, &listing{call: callDirectoryEligible}, func(p *page, src mivet.Source) { r.facts.directoryAssignments(p, true, src) })
	})
	var apis []string
	r.list(ctx, &listing{call: callServicePrincipals}, func(p *page, src mivet.Source) {
		r.facts.objects(p, callServicePrincipals.what, mivet.TypeServicePrincipal, src, nil)
		apis = append(apis, grantedAPIs(p)...)
	})
	r.batch(ctx, callAppRoles, apis, func(_ string, p *page, src mivet.Source) { r.facts.appAssignments(p, src) })
}

// grantedAPIs are the service principals with permissions that applications can hold.
func grantedAPIs(p *page) []string {
	var ids []string
	for _, raw := range p.Rows {
		var o directoryObject
		if json.Unmarshal(raw, &o) != nil {
			continue
		}
		for _, role := range o.AppRoles {
			if slices.Contains(role.Members, "Application") {
				ids = append(ids, o.ID)
				break
			}
		}
	}
	return ids
}

// maxIDs is how many objects Graph looks up in one request.
const maxIDs = 1000

// principals looks up what facts name and nobody listed, and reads the members of all
// groups among them, and of the groups in these.
func (r *run) principals(ctx context.Context) {
	ids := r.facts.unknownPrincipals()
	r.lookUp(ctx, ids)
	r.groups(ctx, r.facts.groupIDs())
	r.batch(ctx, callGroupOwners, r.facts.groupIDs(), func(id string, p *page, src mivet.Source) {
		r.facts.groupOwners(mivet.NewPrincipalID(id), p, src)
	})
	owners := r.facts.unknownPrincipals() // whom nothing else names
	r.lookUp(ctx, slices.DeleteFunc(owners, func(id string) bool {
		_, asked := slices.BinarySearch(ids, id)
		return asked
	}))
}

// lookUp asks for principals by their IDs.
func (r *run) lookUp(ctx context.Context, ids []string) {
	var asked sync.WaitGroup
	for part := range slices.Chunk(ids, maxIDs) {
		asked.Go(func() {
			r.list(ctx, &listing{call: callObjects, body: map[string]any{"ids": part, "types": []string{"user", "group", "servicePrincipal", "device"}}},
				func(p *page, src mivet.Source) { r.facts.objects(p, callObjects.what, "", src, nil) })
		})
	}
	asked.Wait()
}

// groups reads the members of groups, each group once.
func (r *run) groups(ctx context.Context, ids []string) {
	done := map[string]bool{}
	for len(ids) > 0 {
		var now, found []string
		for _, id := range ids {
			if !done[id] {
				done[id] = true
				now = append(now, id)
			}
		}
		r.batch(ctx, callMembers, now, func(id string, p *page, src mivet.Source) {
			for _, g := range r.facts.members(mivet.NewPrincipalID(id), p, src) {
				found = append(found, string(g))
			}
		})
		ids = found
	}
}

// maxBatch is how many requests Graph takes in one
// (learn.microsoft.com/graph/json-batching).
const maxBatch = 20

// batch asks one question about many objects, up to 20 in one request. Further pages of
// an answer are asked for one by one.
func (r *run) batch(ctx context.Context, c *call, ids []string, each func(id string, p *page, src mivet.Source)) {
	r.progress.begin(c)
	defer r.progress.end(c)
	var missing []string
	for _, id := range ids {
		if _, ok, err := r.journal.get(pageKey{(&listing{call: c, id: id}).key(), 0}); err != nil {
			r.cancel(err)
			return
		} else if !ok {
			missing = append(missing, id)
		}
	}
	var sent sync.WaitGroup
	for part := range slices.Chunk(missing, maxBatch) {
		sent.Go(func() {
			if err := r.batchOnce(ctx, c, part); err != nil {
				for _, id := range part {
					l := &listing{call: c, id: id}
					if _, answered, _ := r.journal.get(pageKey{l.key(), 0}); !answered {
						r.failed(ctx, l, err)
					}
				}
			}
		})
	}
	sent.Wait()
	for _, id := range ids {
		l := &listing{call: c, id: id}
		if _, ok, err := r.journal.get(pageKey{l.key(), 0}); err != nil || !ok {
			continue // a gap says so already
		}
		r.list(ctx, l, func(p *page, src mivet.Source) { each(id, p, src) })
	}
}

type batchRequest struct {
	ID     string `json:"id"`
	Method string `json:"method"`
	URL    string `json:"url"`
}

type batchResponse struct {
	ID      string            `json:"id"`
	Status  int               `json:"status"`
	Headers map[string]string `json:"headers"`
	Body    json.RawMessage   `json:"body"`
}

type batchAnswer struct {
	Responses []batchResponse `json:"responses"`
}

// batchOnce sends one batch, again for those of its requests that were refused for the
// quota, and keeps the answers.
func (r *run) batchOnce(ctx context.Context, c *call, ids []string) error {
	version, _, _ := strings.Cut(strings.TrimPrefix(c.path, "/"), "/")
	for try := 1; len(ids) > 0; try++ {
		var body struct {
			Requests []batchRequest `json:"requests"`
		}
		for i, id := range ids {
			path := strings.TrimPrefix(strings.ReplaceAll(c.path, "{id}", id), "/"+version)
			body.Requests = append(body.Requests, batchRequest{strconv.Itoa(i), http.MethodGet, path})
		}
		post := *c
		post.method = http.MethodPost
		var answer batchAnswer
		a, err := r.client.send(ctx, &request{
			call: &post, url: r.client.base(graph) + "/" + version + "/$batch", body: body, units: max(1, c.units) * float64(len(ids)), into: &answer,
		})
		if err == nil && a.odd {
			err = &RequestError{What: c.what, Message: "the answer to a batch cannot be read"}
		}
		if err != nil {
			return err
		}
		again, wait, err := r.unpack(c, ids, answer.Responses, try < maxTries)
		if err != nil {
			return err
		}
		if ids = again; len(ids) > 0 {
			r.client.buckets.of(bucketKey{graph, ""}).pause(wait)
		}
	}
	return nil
}

// unpack keeps the answers of a batch and returns the objects to ask about again.
func (r *run) unpack(c *call, ids []string, responses []batchResponse, mayRetry bool) (again []string, wait time.Duration, err error) {
	left := slices.Clone(ids)
	for _, a := range responses {
		i, bad := strconv.Atoi(a.ID)
		if bad != nil || i < 0 || i >= len(ids) || left[i] == "" {
			continue
		}
		l := &listing{call: c, id: ids[i]}
		var p *page
		switch {
		case a.Status == http.StatusOK:
			p = r.answered(l, a.Body)
		case mayRetry && (a.Status == http.StatusTooManyRequests || a.Status >= 500):
			h := http.Header{}
			for k, v := range a.Headers {
				h.Set(k, v)
			}
			d, ok := retryAfter(h, r.now())
			if !ok {
				d = r.config.retryDelay()
			}
			again, wait = append(again, ids[i]), max(wait, d)
			left[i] = ""
			continue
		default:
			p = &page{At: r.now(), Fail: failure(l.what(), a.Status, a.Body)}
		}
		p.Asked = http.MethodGet + " " + strings.ReplaceAll(c.path, "{id}", ids[i])
		left[i] = ""
		if err := r.journal.put(pageKey{l.key(), 0}, p); err != nil {
			return nil, 0, err
		}
	}
	if left = slices.DeleteFunc(left, func(s string) bool { return s == "" }); len(left) > 0 && !mayRetry {
		return nil, 0, &RequestError{What: c.what, Message: fmt.Sprintf("a batch left %s unanswered", count(len(left), "request"))}
	}
	return append(again, left...), wait, nil
}

// answered opens the answer to one request of a batch.
func (r *run) answered(l *listing, body json.RawMessage) *page {
	var e envelope
	if json.Unmarshal(body, &e) != nil {
		return &page{At: r.now(), Odd: 1}
	}
	out := r.open(l, body, &e)
	r.clean(l, out)
	return out.page
}
