// SPDX-License-Identifier: Apache-2.0

package vet

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"io"
	"slices"
	"strconv"

	"github.com/mivet/mivet"
)

// Want is a permission, or another way to close a gap, with what it would decide.
type Want struct {
	// Permission is what would close the gap; empty where none does, and Reason says why.
	Permission string         `json:"permission,omitzero"`
	Facts      mivet.FactKind `json:"facts,omitzero"`
	Reason     string         `json:"reason"`
	// Decides is how many undecided subjects it would decide, of the rules named.
	Decides int      `json:"decides"`
	Rules   []string `json:"rules"`
}

// Wanted groups what could not be decided by what would decide it, the most first. What
// no permission decides comes last.
func (r *Results) Wanted() []Want {
	type key struct {
		permission string
		facts      mivet.FactKind
		reason     string
	}
	groups := map[key]*Want{}
	for i := range r.Rules {
		for _, u := range r.Rules[i].Undecided {
			k := key{permission: u.Permission, facts: u.Facts}
			if u.Permission == "" {
				k.reason = u.Reason
			}
			w := groups[k]
			if w == nil {
				w = &Want{Permission: u.Permission, Facts: u.Facts, Reason: u.Reason}
				groups[k] = w
			}
			w.Decides++
			if !slices.Contains(w.Rules, u.Rule) {
				w.Rules = append(w.Rules, u.Rule)
			}
		}
	}
	out := make([]Want, 0, len(groups))
	for _, w := range groups {
		slices.Sort(w.Rules)
		out = append(out, *w)
	}
	slices.SortFunc(out, func(a, b Want) int {
		return cmp.Or(
			-compareBools(a.Permission != "", b.Permission != ""),
			cmp.Compare(b.Decides, a.Decides), cmp.Compare(len(b.Rules), len(a.Rules)), cmp.Compare(a.Permission, b.Permission), cmp.Compare(a.Facts, b.Facts),
			cmp.Compare(a.Reason, b.Reason),
		)
	})
	return out
}

func compareBools(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// FixGroup is one fix and the findings that it removes.
type FixGroup struct {
	// Fix is that of the first finding.
	Fix mivet.Fix `json:"fix"`
	// Fingerprints and Rules are those of the findings that it removes.
	Fingerprints []string `json:"fingerprints"`
	Rules        []string `json:"rules"`
	// Severity is the highest, Reach the widest of them.
	Severity mivet.Severity `json:"severity"`
	Reach    mivet.Reach    `json:"reach"`
	// Subject is that of the first finding.
	Subject mivet.Subject `json:"subject"`
}

// Fixes groups findings by the fix that removes them: findings whose fixes make the same
// change belong together. The fix that matters most comes first: by the highest severity,
// then by what the identity can touch, then by how many findings it removes.
func (r *Results) Fixes() []FixGroup {
	byKey := map[fixKey]int{}
	var out []FixGroup
	for _, f := range r.Findings() {
		k := keyOfFix(f)
		if removal, ok := removalKey(f); ok {
			if _, ok := byKey[removal]; ok {
				k = removal // who removes a grant need not describe it
			}
		}
		i, ok := byKey[k]
		if !ok {
			i = len(out)
			byKey[k] = i
			out = append(out, FixGroup{Fix: f.Fix, Severity: f.Severity, Subject: f.Subject})
		}
		g := &out[i]
		g.Fingerprints = append(g.Fingerprints, f.Fingerprint)
		if !slices.Contains(g.Rules, f.Rule) {
			g.Rules = append(g.Rules, f.Rule)
		}
		g.Severity = max(g.Severity, f.Severity)
		if f.Reach != nil && compareReach(f.Reach, &g.Reach) > 0 {
			g.Reach = *f.Reach
		}
	}
	order := inOrder(len(out), func(x, y int) int {
		a, b := &out[x], &out[y]
		return cmp.Or(cmp.Compare(b.Severity, a.Severity), compareReach(&b.Reach, &a.Reach),
			cmp.Compare(len(b.Fingerprints), len(a.Fingerprints)), cmp.Compare(a.Fix.Summary, b.Fix.Summary))
	})
	sorted := make([]FixGroup, len(out))
	for i, n := range order {
		sorted[i] = out[n]
	}
	return sorted
}

// compareReach orders reaches: granting first, then how much can be touched.
func compareReach(a, b *mivet.Reach) int {
	return cmp.Or(compareBools(a.Grants, b.Grants), cmp.Compare(a.Changes+a.Data, b.Changes+b.Data), cmp.Compare(a.Secrets, b.Secrets))
}

// fixKey is what a fix takes away: two fixes that remove the same grant are the same
// work, whatever they put in its place.
type fixKey [16]byte

func keyOfFix(f *mivet.Finding) fixKey {
	h := hasher{sha256.New()}
	kept := 0
	for i := range f.Fix.Edits {
		if e := &f.Fix.Edits[i]; e.Kind != mivet.EditAddAssignment && e.Kind != mivet.EditAttachIdentity {
			h.edit(e)
			kept++
		}
	}
	if kept == 0 {
		h.words("fingerprint", f.Fingerprint)
	}
	return h.key()
}

// removalKey is the key of the fix that removes the grant which a fix only describes.
func removalKey(f *mivet.Finding) (fixKey, bool) {
	if len(f.Fix.Edits) != 1 || f.Fix.Edits[0].Kind != mivet.EditDescribeAssignment {
		return fixKey{}, false
	}
	h := hasher{sha256.New()}
	h.edit(&mivet.Edit{Kind: mivet.EditRemoveAssignment, Assignment: f.Fix.Edits[0].Assignment})
	return h.key(), true
}

// hasher sums up what edits change. Objects are named as Azure tells them apart.
type hasher struct{ sum hash.Hash }

func (h hasher) key() fixKey {
	var whole [sha256.Size]byte
	return fixKey(h.sum.Sum(whole[:0])[:len(fixKey{})])
}

func (h hasher) words(words ...string) {
	var size [8]byte
	for _, w := range words {
		binary.LittleEndian.PutUint64(size[:], uint64(len(w)))
		_, _ = h.sum.Write(size[:])
		_, _ = io.WriteString(h.sum, w)
	}
}

func (h hasher) edit(e *mivet.Edit) {
	h.words(string(e.Kind), string(e.Resource.Key()), string(e.Identity.Key()), e.Name, e.Value)
	if a := e.Assignment; a != nil {
		k := keyOfAssignment(a)
		h.words("assignment", string(a.ID.Key()), string(k.principal), string(k.role), string(k.roleName), string(k.scope), strconv.FormatBool(k.eligible))
	}
	if p := e.Policy; p != nil {
		h.words("policy", string(p.Vault.Key()), string(p.Principal), p.ApplicationID)
	}
	if g := e.Grant; g != nil {
		h.words("grant", string(g.System), string(g.Account.Key()), string(g.Principal), g.Scope, g.Role)
	}
}
