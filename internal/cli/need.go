// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/authz"
	"github.com/mivet/mivet/snapshot"
)

// named is what a question names. It can be answered from a part of a snapshot then.
type named struct {
	identity string // the one whose grants are needed; empty: everybody's
	resource string // the one that is asked about, if there is one
	// models is true where all resources are needed whose settings decide, and everything
	// where every resource is.
	models, everything bool
}

// need is what a question needs of a snapshot: the resources that its words may stand for,
// those at and above a resource that it names, and whose settings decide. It never leaves
// out one that bears on the answer.
type need struct {
	words []string // names and IDs
	types []string // the last segments of the types whose settings decide
	// everything is true where every resource is needed.
	everything bool
	// holder is true where the grants of one identity are read later, once it is known.
	holder bool
}

// newNeed makes the need of a question. A name may have a child behind it, as in
// "kv-shop/secrets/db". Where a word's letter case is not plain, or nothing is named,
// everything is needed: nil.
func newNeed(q *named) *need {
	if q == nil {
		return nil
	}
	n := &need{holder: q.identity != "", everything: q.everything}
	for _, w := range []string{q.identity, q.resource} {
		w = strings.TrimSpace(w)
		switch {
		case w == "":
			continue
		case strings.ContainsFunc(w, func(r rune) bool { return r >= utf8.RuneSelf }):
			return nil
		}
		n.words = append(n.words, w)
		if base, _, found := strings.Cut(w, "/"); found && base != "" {
			n.words = append(n.words, base)
		}
	}
	if q.models {
		for _, t := range authz.DecidingTypes() {
			n.types = append(n.types, t[strings.LastIndexByte(t, '/')+1:])
		}
	}
	return n
}

// resource reports whether the resource of that ID is needed.
func (n *need) resource(id []byte) bool {
	rest, name := cutLast(id)
	_, typ := cutLast(rest)
	for _, t := range n.types {
		if strings.EqualFold(t, string(typ)) {
			return true
		}
	}
	for _, w := range n.words {
		if strings.HasPrefix(w, "/") {
			if len(w) >= len(id) && strings.EqualFold(w[:len(id)], string(id)) {
				return true
			}
		} else if strings.EqualFold(w, string(name)) || strings.EqualFold(w, string(groupOf(id))) {
			return true
		}
	}
	return false
}

// cutLast cuts an ID at its last slash.
func cutLast(id []byte) (before, after []byte) {
	i := bytes.LastIndexByte(id, '/')
	if i < 0 {
		return nil, id
	}
	return id[:i], id[i+1:]
}

// groupOf returns the name of an ID's resource group: its fourth segment, if it has one.
func groupOf(id []byte) []byte {
	for range 4 {
		i := bytes.IndexByte(id, '/')
		if i < 0 {
			return nil
		}
		id = id[i+1:]
	}
	if before, _, ok := bytes.Cut(id, []byte{'/'}); ok {
		return before
	}
	return id
}

// firstKinds are the facts of a snapshot that a question needs before its identity is
// known.
var firstKinds = []mivet.FactKind{
	mivet.FactManagementGroups, mivet.FactSubscriptions, mivet.FactResources, mivet.FactIdentities, mivet.FactPrincipals,
	mivet.FactMemberships, mivet.FactRoleDefinitions, mivet.FactEligibleAssignments, mivet.FactDenyAssignments, mivet.FactAccessPolicies,
	mivet.FactLocalGrants, mivet.FactPathACLs, mivet.FactAppRoles, mivet.FactDirectoryRoles, mivet.FactLocks, mivet.FactDelegations,
	mivet.FactAppSettings, mivet.FactInput,
}

// options says what is read of a snapshot at first; n may be nil.
func (n *need) options() snapshot.ReadOptions {
	var o snapshot.ReadOptions
	if n == nil {
		return o
	}
	if !n.everything {
		o.Resource = n.resource
	}
	if n.holder {
		o.Kinds = firstKinds
	}
	return o
}

// rest is a snapshot of which the role assignments were not read yet.
type rest struct {
	name string
	info os.FileInfo
}

// errReplaced says that the file is no longer the one of which the first part was read.
var errReplaced = errors.New("it was replaced while it was read; ask again")

// read adds the role assignments that bear on what a principal can do at a resource: its
// own and those of its groups, or all where not every membership is known. Resources above
// one that was named by its name are added too.
func (r *rest) read(s *mivet.Snapshot, who mivet.PrincipalID, where arm.ID) (err error) {
	f, err := os.Open(filepath.Clean(r.name))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if !os.SameFile(info, r.info) || info.Size() != r.info.Size() || !info.ModTime().Equal(r.info.ModTime()) {
		return fmt.Errorf("reading %s: %w", r.name, errReplaced)
	}
	o := snapshot.ReadOptions{Kinds: []mivet.FactKind{mivet.FactRoleAssignments}, Holder: holderOf(s, who)}
	if where.Parent().Level() == arm.LevelResource {
		o.Kinds = append(o.Kinds, mivet.FactResources)
		o.Resource = (&need{words: []string{where.String()}}).resource
	}
	more, err := snapshot.Read(f, info.Size(), o)
	if err != nil {
		return fmt.Errorf("reading %s: %w", r.name, err)
	}
	s.RoleAssignments = more.RoleAssignments
	s.Resources = append(s.Resources, more.Resources...)
	for _, g := range more.Gaps { // those of the file come again, with what was not understood
		if !slices.ContainsFunc(s.Gaps, func(have mivet.Gap) bool { return sameGap(&have, &g) }) {
			s.Gaps = append(s.Gaps, g)
		}
	}
	return nil
}

func sameGap(a, b *mivet.Gap) bool {
	return a.Facts == b.Facts && a.Subject == b.Subject && a.Reason == b.Reason && a.Permission == b.Permission && a.Scope.Equal(b.Scope)
}

// holderOf says of which principals the grants bear on what one of them can do; nil: of
// all.
func holderOf(s *mivet.Snapshot, who mivet.PrincipalID) func(principal []byte) bool {
	if slices.ContainsFunc(s.Gaps, func(g mivet.Gap) bool { return g.Facts == mivet.FactMemberships }) {
		return nil
	}
	in := map[mivet.PrincipalID]bool{who: true}
	for grown := true; grown; {
		grown = false
		for i := range s.Memberships {
			m := &s.Memberships[i]
			switch {
			case m.Group == "" || m.Member == "":
				return nil // it may be a membership of anyone
			case in[m.Member] && !in[m.Group]:
				in[m.Group], grown = true, true
			}
		}
	}
	return func(principal []byte) bool { return in[mivet.PrincipalID(principal)] }
}

// complete reads what was left out until it was known who is asked about and where, and
// makes the engine.
func (q *questions) complete(who mivet.PrincipalID, where arm.ID) error {
	if q.engine != nil {
		return nil
	}
	if err := q.rest.read(q.snap, who, where); err != nil {
		return err
	}
	if q.unknown != "" && !slices.ContainsFunc(q.snap.RoleAssignments, func(a mivet.RoleAssignment) bool { return a.Principal == q.unknown }) {
		q.noteUnknown(q.unknown)
	}
	return q.compile()
}

// compile makes the engine.
func (q *questions) compile() error {
	cat, err := q.app.catalog()
	if err != nil {
		return err
	}
	q.index = mivet.NewIndex(q.snap)
	q.engine = authz.New(q.snap, authz.Options{Catalog: cat, At: q.at})
	return nil
}

// widen reads what was left out of the inputs, and reports whether there was something.
func (q *questions) widen(ctx context.Context) bool {
	if q.inputs == nil {
		return false
	}
	all, err := q.inputs(ctx)
	q.inputs = nil
	if err != nil {
		return false
	}
	q.resolver, q.rest = newResolver(all), nil
	return q.compile() == nil
}
