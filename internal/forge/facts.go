// SPDX-License-Identifier: Apache-2.0

package forge

import (
	"fmt"
	"net/http"

	"github.com/mivet/mivet"
)

// facts collects what is read into a snapshot.
type facts struct {
	snap   mivet.Snapshot
	prefix string
	seen   map[mivet.PrincipalID]bool
	rights map[rightKey]int
}

type rightKey struct {
	holder                  mivet.PrincipalID
	issuer, subject, runner string
}

func newFacts(input, prefix string, c *Config) *facts {
	return &facts{
		snap: mivet.Snapshot{Inputs: []string{input}, TakenAt: c.Now}, prefix: prefix,
		seen: map[mivet.PrincipalID]bool{}, rights: map[rightKey]int{},
	}
}

// holder adds somebody as a principal and returns its ID.
func (f *facts) holder(name string, src mivet.Source) mivet.PrincipalID {
	id := mivet.PrincipalID(f.prefix + name)
	if !f.seen[id] {
		f.seen[id] = true
		f.snap.Principals = append(f.snap.Principals, mivet.Principal{ID: id, Name: string(id), Source: src})
	}
	return id
}

// right adds a right; of two of one sort the surer counts.
func (f *facts) right(name string, r mivet.OutsideRight) {
	r.Holder = f.holder(name, r.Source)
	k := rightKey{r.Holder, r.Issuer, r.Subject, r.Runner}
	i, twice := f.rights[k]
	if !twice {
		f.rights[k] = len(f.snap.OutsideRights)
		f.snap.OutsideRights = append(f.snap.OutsideRights, r)
		return
	}
	if have := &f.snap.OutsideRights[i]; r.Certain && !have.Certain {
		*have = r
	}
}

// missing notes what could not be seen. Any other error than a refusal is returned.
func (f *facts) missing(err error, what, permission string, src mivet.Source) error {
	status, ok := refused(err)
	if err == nil || !ok {
		return err
	}
	f.snap.Gaps = append(f.snap.Gaps, mivet.Gap{
		Facts: mivet.FactOutsideRights, Subject: what, Reason: fmt.Sprintf("%s: %d %s", what, status, http.StatusText(status)), Permission: permission, Source: src,
	})
	return nil
}

// unread notes what no request tells.
func (f *facts) unread(what, reason string, src mivet.Source) {
	f.snap.Gaps = append(f.snap.Gaps, mivet.Gap{Facts: mivet.FactOutsideRights, Subject: what, Reason: reason, Source: src})
}
